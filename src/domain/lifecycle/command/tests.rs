use super::*;
use crate::domain::facts::User;
use crate::domain::ids::Time;

fn command(text: &str) -> Option<Command> {
    match spoken(text)? {
        Spoken::Command(command) => Some(command),
        Spoken::Unknown(why) => panic!("{text}: {why}"),
    }
}

#[test]
fn every_command_is_read() {
    let cases = [
        ("/countersign status", Command::Status),
        ("/countersign  Explain\r\n\r\nthanks!", Command::Explain),
        ("\n\n/countersign\tverify  ", Command::Verify),
        ("/countersign rebase", Command::Rebase),
        ("/countersign hold", Command::Hold),
        ("/countersign hold until the release is out", Command::Hold),
        ("/countersign release", Command::Release),
        ("/countersign merge\n/countersign stop", Command::Merge),
        ("/countersign revert", Command::Revert),
        ("/countersign reopen", Command::Reopen),
        ("/countersign stop it", Command::Stop),
        ("/countersign reject the limit is too low", Command::Reject("the limit is too low".into())),
        ("/countersign set a.b=1=2", Command::Set { path: "a.b".into(), value: "1=2".into() }),
        (
            "/countersign set c[name=app].tag = v 2",
            Command::Set { path: "c[name=app].tag".into(), value: "v 2".into() },
        ),
        ("/countersign set a.\"x=y\"=3", Command::Set { path: "a.\"x=y\"".into(), value: "3".into() }),
    ];
    for (text, expected) in cases {
        assert_eq!(command(text), Some(expected), "{text:?}");
    }
}

#[test]
fn what_is_quoted_fenced_indented_or_said_in_passing_is_no_command() {
    for text in [
        "",
        "> /countersign merge",
        ">/countersign merge\n\nI would not",
        "```\n/countersign merge\n```",
        "~~~\n/countersign merge\n~~~",
        "    /countersign merge",
        " /countersign merge",
        "please /countersign merge",
        "I would say:\n/countersign merge",
        "<!-- x -->\n/countersign merge",
        "`/countersign merge`",
        "/countersigned merge",
        "/countersign\u{a0}merge",
        "\u{feff}/countersign merge",
        "countersign merge",
        "/Countersign merge",
    ] {
        assert_eq!(spoken(text), None, "{text:?}");
    }
}

#[test]
fn what_cannot_be_read_says_what_to_write() {
    for text in [
        "/countersign",
        "/countersign help",
        "/countersign merge not yet",
        "/countersign reject",
        "/countersign set replicas",
        "/countersign set =3",
        "/countersign set a=",
        "/countersign set a[b=c]",
        "/countersign m\u{435}rge",
    ] {
        assert!(matches!(spoken(text), Some(Spoken::Unknown(_))), "{text:?}");
    }
    let long = format!("/countersign reject {}", "x".repeat(MOST_LINE));
    assert!(matches!(spoken(&long), Some(Spoken::Unknown(_))));
}

#[test]
fn bots_and_edited_comments_are_not_heard() {
    let plain = Comment {
        id: 1,
        by: User { id: 7, login: "dana".into() },
        bot: false,
        text: "/countersign merge".into(),
        at: Time(1),
        edited: None,
    };
    assert!(heard(&plain, 1).is_some());
    assert_eq!(heard(&plain, 7), None, "our own");
    assert_eq!(heard(&Comment { bot: true, ..plain.clone() }, 1), None);
    assert_eq!(heard(&Comment { edited: Some(Time(2)), ..plain }, 1), None);
}
