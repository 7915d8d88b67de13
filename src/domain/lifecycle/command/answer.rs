//! Who may ask for what, and what the answer is.
//!
//! Must not trust a name: the right and the number are the forge's.

use super::super::choice::{Action, Choice, choose};
use super::super::gate::gates;
use super::super::{Case, Owner, Reason, Stage};
use super::state::heeds;
use super::succeed::{self, Successor};
use super::{Command, Spoken, heard};
use crate::domain::facts::{Asked, PullState, Right, User};
use crate::domain::ids::Oid;
use crate::domain::policy::verdict::Verdict;

/// The answer to one comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The comment's number.
    pub comment: u64,
    /// Who wrote it.
    pub by: User,
    /// The verb; empty when it was none.
    pub verb: &'static str,
    /// Why not; empty when it was taken.
    pub code: &'static str,
    /// One sentence; may hold text from outside.
    pub sentence: String,
    /// What is shown below it.
    pub show: Show,
    /// What it comes to.
    pub effect: Effect,
}

/// What an answer shows below its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Nothing.
    Nothing,
    /// The gates that do not pass.
    Open,
    /// Every gate.
    Tree,
    /// The gates about the attestation.
    Proof,
}

/// What a command comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Only the answer.
    Nothing,
    /// It is held.
    Hold,
    /// It is not held any more.
    Release {
        /// The repository's halt goes as well.
        lifts: bool,
    },
    /// This head may merge without what its class has not earned.
    Waive(Oid),
    /// It is applied again on the newest base.
    Rebase,
    /// The repository is left alone.
    Stop,
    /// It is closed.
    End(Reason),
    /// The no is forgotten.
    Reopen,
    /// Another proposal follows.
    Succeed {
        /// It.
        successor: Box<Successor>,
        /// This one ends.
        ends: bool,
    },
}

impl Answer {
    /// Whether the command was taken.
    pub fn taken(&self) -> bool {
        self.code.is_empty()
    }
}

/// What a command is answered: a sentence, what is shown, what it comes to; or a code and a sentence.
type Said = Result<(String, Show, Effect), (&'static str, String)>;

/// Answers the oldest command that was not answered, before anything else is done.
pub(in crate::domain::lifecycle) fn answering(case: &Case<'_>) -> Option<Choice> {
    let (record, facts) = (case.record, case.facts);
    let asked = facts.asked.as_ref()?;
    let pull = facts.pull.as_ref()?;
    let open = pull.state == PullState::Open;
    // What the forge says became of it is written down first.
    let current = record.stage != Stage::Open || open;
    if !current || !heeds(record, asked.right) || record.commands.handled.contains(&asked.comment.id) {
        return None;
    }
    let spoken = heard(&asked.comment, facts.repository.bot.id)?;
    let verdict = match (record.stage, &record.verdict) {
        (Stage::Open, _) => gates(case, pull),
        (_, Some(verdict)) => verdict.clone(),
        (_, None) => Verdict::pass("over", "nothing is left to do"),
    };
    Some(choose(Action::Answer(Box::new(answer(case, asked, spoken))), verdict))
}

fn answer(case: &Case<'_>, asked: &Asked, spoken: Spoken) -> Answer {
    let (verb, said) = match spoken {
        Spoken::Unknown(why) => ("", Err(("unknown_command", why))),
        Spoken::Command(command) if asked.right < command.needs() => {
            let needed = if command.needs() == Right::Read { "read" } else { "write to" };
            let why = format!("`{}` is for people who may {needed} the repository", command.verb());
            (command.verb(), Err(("no_right", why)))
        }
        Spoken::Command(command) => (command.verb(), say(case, asked, &command)),
    };
    let (code, (sentence, show, effect)) = match said {
        Ok(said) => ("", said),
        Err((code, why)) => (code, (why, Show::Nothing, Effect::Nothing)),
    };
    Answer { comment: asked.comment.id, by: asked.comment.by.clone(), verb, code, sentence, show, effect }
}

fn say(case: &Case<'_>, asked: &Asked, command: &Command) -> Said {
    let plain = |sentence: &str, effect| Ok((sentence.to_owned(), Show::Nothing, effect));
    match command {
        Command::Status => Ok((status(case), Show::Open, Effect::Nothing)),
        Command::Explain => Ok((status(case), Show::Tree, Effect::Nothing)),
        Command::Verify => Ok(("what the attestation comes to now:".into(), Show::Proof, Effect::Nothing)),
        Command::Hold => {
            open(case)?;
            plain("it does not merge by itself until `/countersign release`", Effect::Hold)
        }
        Command::Release => release(case, asked),
        Command::Merge => merge(case, asked),
        Command::Rebase => rebase(case),
        Command::Stop => {
            if case.facts.halted.is_some() {
                return Err(("stopped", "the repository is stopped already".into()));
            }
            let sentence = "nothing is pushed to this repository or merged here until an admin of it writes \
                            `/countersign release`";
            plain(sentence, Effect::Stop)
        }
        Command::Reject(reason) => {
            open(case)?;
            let reason = Reason::new("rejected", format!("{}: {reason}", asked.comment.by.login));
            plain("it is closed, and the same change is not proposed again for a while", Effect::End(reason))
        }
        Command::Reopen => reopen(case),
        Command::Revert => succeed::revert(case, asked).map(|successor| {
            let sentence = format!("a proposal that takes it back follows: {}", successor.name());
            (sentence, Show::Nothing, Effect::Succeed { successor: Box::new(successor), ends: false })
        }),
        Command::Set { path, value } => {
            open(case)?;
            let successor = succeed::set(case, asked, path, value)?;
            let sentence = format!("{} follows with the other value; this one is closed", successor.name());
            Ok((sentence, Show::Nothing, Effect::Succeed { successor: Box::new(successor), ends: true }))
        }
    }
}

fn status(case: &Case<'_>) -> String {
    let record = case.record;
    let reason = record.reason.as_ref().map(|reason| format!(": {}", reason.sentence)).unwrap_or_default();
    let driver = match (record.stage, record.owner) {
        (Stage::Open, Owner::Bot) => ", driven by countersign",
        (Stage::Open, Owner::Person) => ", left to people",
        (Stage::Received | Stage::Pushed | Stage::Merged | Stage::Settled | Stage::Dropped, _) => "",
    };
    format!("proposal {} is {}{driver}{reason}", record.id, record.stage.name())
}

fn open(case: &Case<'_>) -> Result<(), (&'static str, String)> {
    match case.record.stage {
        Stage::Open => Ok(()),
        other => Err(("not_open", format!("the proposal is {}", other.name()))),
    }
}

fn release(case: &Case<'_>, asked: &Asked) -> Said {
    let (held, halted) = (case.record.commands.hold.is_some(), case.facts.halted.is_some());
    let lifts = halted && asked.right == Right::Admin;
    let sentence = match (held, halted, lifts) {
        (false, false, _) => {
            return Err(("not_held", "nothing that was written here holds it; labels do if they stand".into()));
        }
        (false, true, false) => {
            return Err(("no_right", "the repository was stopped: an admin of it has to release it".into()));
        }
        (true, true, false) => "it is not held any more; the repository stays stopped until an admin releases it",
        (true, false, _) => "it is not held any more",
        (_, true, true) => "the repository is not stopped any more, and nothing holds this one",
    };
    Ok((sentence.to_owned(), Show::Nothing, Effect::Release { lifts }))
}

fn merge(case: &Case<'_>, asked: &Asked) -> Said {
    open(case)?;
    let record = case.record;
    if record.owner == Owner::Person {
        return Err(("left_to_people", "it was left to people: merge it at the forge".into()));
    }
    let proposer = |principal: &String| *principal == record.principal || *principal == case.proposal.proposer.id;
    if asked.principals.iter().any(proposer) {
        return Err(("own_proposal", "whoever proposed it does not merge it: somebody else has to ask".into()));
    }
    let Some(head) = &record.head else {
        return Err(("not_open", "nothing is pushed yet".into()));
    };
    let pushed = record.pushes.last().copied().max(record.opened);
    if pushed.is_some_and(|pushed| pushed > asked.comment.at) {
        return Err(("pushed_since", "it was pushed again after that was written: look at it and ask again".into()));
    }
    let sentence = "it merges as soon as the attestation, the replay, the hazards and the checks allow it; \
                    trust, quiet period and mode are waived for this head";
    Ok((sentence.to_owned(), Show::Nothing, Effect::Waive(head.clone())))
}

/// Reasons for which it was left to people that a new push mends; what others wrote or pushed is never overwritten.
fn mends(reason: &Reason) -> bool {
    matches!(reason.code.as_str(), "base_busy" | "base_conflict" | "merge_refused" | "body_contested")
}

fn rebase(case: &Case<'_>) -> Said {
    open(case)?;
    let (record, facts) = (case.record, case.facts);
    if let (Owner::Person, Some(reason)) = (record.owner, &record.reason)
        && !mends(reason)
    {
        return Err(("left_to_people", format!("it was left to people: {}", reason.sentence)));
    }
    if let Err(refusal) = &facts.plan {
        return Err(("base_conflict", format!("it does not fit the base: {refusal}")));
    }
    let parent = facts.branch.as_ref().and_then(|branch| branch.parents.first());
    if record.owner == Owner::Bot && parent == facts.base.as_ref().map(|base| &base.tip) {
        return Err(("up_to_date", "it stands on the newest base already".into()));
    }
    Ok(("it is applied again on the newest base".to_owned(), Show::Nothing, Effect::Rebase))
}

fn reopen(case: &Case<'_>) -> Said {
    let record = case.record;
    let rejected = record.reason.as_ref().is_some_and(|reason| reason.code == "rejected");
    let undone = record.undone.as_ref().is_some_and(|undone| !undone.reopened);
    match (record.stage, rejected || undone) {
        (Stage::Dropped | Stage::Settled, true) => {
            let sentence = "the no is forgotten: the same change may be proposed again, under another id";
            Ok((sentence.to_owned(), Show::Nothing, Effect::Reopen))
        }
        (Stage::Open, _) => Err(("not_closed", "it is open".into())),
        (Stage::Received | Stage::Pushed | Stage::Merged | Stage::Settled | Stage::Dropped, _) => {
            Err(("not_closed", "no person's no is remembered for it".into()))
        }
    }
}
