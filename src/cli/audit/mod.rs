//! `audit`: exports of a tenant's log, proofs about it, and their verification by anybody, offline.
//!
//! Must not verify with a key that lies beside what is verified, unless it says that this proves little.

mod bench;
mod files;
mod instance;
mod keep;
mod letters;
mod lines;
mod prune;
mod redact;
mod resume;

pub(super) use files::{export, verify};

use super::admin::Load;
use super::{Output, Status};
use crate::app::{open_store, system_clock};
use crate::config::{Keys, Settings};
use crate::domain::attest::KeySet;
use crate::domain::audit::{Checkpoint, INSTANCE};
use crate::domain::ids::TenantId;
use crate::store::Store;
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use ed25519_dalek::VerifyingKey;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Writes a tenant's log into a new folder: entries, manifest, checkpoint, log key.
    Export {
        /// The folder; it must not exist.
        directory: PathBuf,
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
        /// Only the payloads of these types of entries; every leaf is there all the same.
        #[arg(long, value_name = "TYPE", value_delimiter = ',')]
        only: Option<Vec<String>>,
    },
    /// Verifies an export; exit code 4 names the first bad entry.
    Verify {
        /// The export.
        directory: PathBuf,
        /// What must be proven beside consistency.
        #[arg(long, value_enum, value_delimiter = ',')]
        require: Vec<Require>,
        /// A checkpoint that was kept from an earlier export; the export's own when only --key is given.
        #[arg(long, value_name = "FILE", requires = "key")]
        checkpoint: Option<PathBuf>,
        /// The log's public key as it was kept elsewhere, PEM.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Says on standard error how far it is.
        #[arg(long)]
        progress: bool,
        /// Keeps in this file how far it is, and goes on there when it was broken off; gone when it ends.
        #[arg(long, value_name = "FILE")]
        resume: Option<PathBuf>,
    },
    /// Keeps the newest signed checkpoint outside of the database; exit code 4 when the one that is kept contradicts it.
    Checkpoint {
        /// The tenant; `countersign-instance` is the log over all of them.
        #[arg(long)]
        tenant: TenantId,
        /// The file it is kept in; printed when neither this nor a repository is given.
        #[arg(long, value_name = "FILE", conflicts_with = "repository")]
        to: Option<PathBuf>,
        /// A bare repository it is committed to.
        #[arg(long, value_name = "FOLDER")]
        repository: Option<PathBuf>,
        /// The branch there.
        #[arg(long, value_name = "REF", default_value = "refs/heads/checkpoints")]
        branch: String,
    },
    /// Compares every tenant's log with what the log over all of them recorded.
    Instance {
        /// A kept checkpoint of the log over all tenants.
        #[arg(long, value_name = "FILE", requires = "key")]
        checkpoint: Option<PathBuf>,
        /// The log's public key as it was kept elsewhere, PEM.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Proves from the database that an entry stands in the log, or that an earlier log is the beginning of this one.
    Prove {
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
        /// The entry.
        #[arg(long, value_name = "N", required_unless_present = "old", conflicts_with = "old")]
        index: Option<u64>,
        /// The size of the earlier log.
        #[arg(long, value_name = "SIZE")]
        old: Option<u64>,
        /// The size of the log in which it is proven; the size it has now when left out.
        #[arg(long, value_name = "SIZE")]
        size: Option<u64>,
    },
    /// Verifies such a proof, offline.
    VerifyProof {
        /// The proof; `-` is standard input.
        file: PathBuf,
        /// The log's public key as it was kept elsewhere, PEM.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The earlier checkpoint, for a proof of how the log grew.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Compares two checkpoints of one log; writes the evidence when both cannot be true.
    Compare {
        /// One checkpoint.
        one: PathBuf,
        /// The other one.
        other: PathBuf,
        /// The log's public key as it was kept elsewhere, PEM.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// How the log grew between them; without it only checkpoints of the same size can be compared.
        #[arg(long, value_name = "FILE")]
        proof: Option<PathBuf>,
        /// Where the evidence of two histories goes; it must not exist.
        #[arg(long, value_name = "FILE")]
        evidence: Option<PathBuf>,
    },
    /// Takes payloads out of a log, by index or by age; every leaf and every proof stays.
    Redact {
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
        /// The entries.
        #[arg(
            long,
            value_name = "N",
            value_delimiter = ',',
            required_unless_present = "older_than",
            conflicts_with = "older_than"
        )]
        index: Vec<u64>,
        /// All entries older than this many days.
        #[arg(long, value_name = "DAYS")]
        older_than: Option<u32>,
        #[command(flatten)]
        order: OrderArgs,
    },
    /// Removes the oldest entries, in blocks of 256; later ones are proven as before.
    Prune {
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
        /// Those before this one, a multiple of 256.
        #[arg(long, value_name = "N", required_unless_present = "older_than", conflicts_with = "older_than")]
        before: Option<u64>,
        /// Those older than this many days, as far as nothing needs them.
        #[arg(long, value_name = "DAYS")]
        older_than: Option<u32>,
        #[command(flatten)]
        order: OrderArgs,
    },
    /// Forbids to take anything out of a log, until it is lifted.
    Hold {
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
        /// Lifts the hold.
        #[arg(long)]
        lift: bool,
        #[command(flatten)]
        order: OrderArgs,
    },
    /// Measures how fast this machine verifies, on a log made up for it.
    Bench {
        /// How many entries.
        #[arg(long, default_value_t = 200_000)]
        entries: u64,
    },
}

#[derive(Debug, Args)]
struct OrderArgs {
    /// Why, one line; it stands in the log.
    #[arg(long)]
    reason: String,
    /// Who decided it; two people, but one to place a hold.
    #[arg(long, value_name = "PERSON")]
    by: Vec<String>,
}

impl From<OrderArgs> for redact::Order {
    fn from(OrderArgs { reason, by }: OrderArgs) -> redact::Order {
        redact::Order { reason, by }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Require {
    /// Consistent with a kept checkpoint.
    Checkpoint,
    /// Every announced effect was answered, and no effect happened that was not announced.
    Pairs,
}

pub(super) async fn run(
    args: AuditArgs,
    settings: &Load<'_>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    match args.command {
        AuditCommand::Export { directory, tenant, only } => {
            let (keys, store) = opened(settings, &tenant).await?;
            let manifest = export(&store, &tenant, &keys.log, only, &directory).await?;
            store.close().await;
            files::written(&manifest, &directory, output, out)
        }
        AuditCommand::Verify { directory, require, checkpoint, key, progress, resume } => {
            let own = checkpoint.is_none();
            let kept = match (checkpoint, key) {
                (Some(path), Some(key)) => Some(noted(&path, &key)?),
                // The export's own checkpoint proves something only under a key that was kept elsewhere.
                (None, Some(key)) => Some(noted(&directory.join("checkpoint"), &key)?),
                (_, None) => None,
            };
            let journey = resume::Journey::new(resume, progress);
            files::judge(&directory, kept, own, &require, journey, output, out)
        }
        AuditCommand::Checkpoint { tenant, to, repository, branch } => {
            let (keys, store) = opened(settings, &tenant).await?;
            let place = match (to, repository) {
                (Some(file), _) => keep::Place::File(file),
                (None, Some(repository)) => keep::Place::Branch(repository, branch),
                (None, None) => keep::Place::Print,
            };
            let done = keep::keep(&store, &keys.log, &tenant, &place, output, out).await;
            store.close().await;
            done
        }
        AuditCommand::Instance { checkpoint, key } => {
            let kept = match (checkpoint, key) {
                (Some(path), Some(key)) => Some(noted(&path, &key)?),
                (_, _) => None,
            };
            let settings = settings()?;
            // Not as for a tenant: opening would begin every log anew that the settings list and that is gone.
            let store = Store::open(&settings.database_url(), &settings.instance).await?;
            let done = instance::check(&store, kept, output, out).await;
            store.close().await;
            done
        }
        AuditCommand::Prove { tenant, index, old, size } => {
            let (keys, store) = opened(settings, &tenant).await?;
            let made = letters::prove(&store, &keys.log, &tenant, (index, old, size), output, out).await;
            store.close().await;
            made
        }
        AuditCommand::VerifyProof { file, key, checkpoint } => {
            letters::verify(&file, &key, checkpoint.as_deref(), output, out)
        }
        AuditCommand::Compare { one, other, key, proof, evidence } => {
            let files = letters::Compared { one, other, proof, evidence };
            letters::compare(&files, &key, output, out)
        }
        AuditCommand::Redact { tenant, index, older_than, order } => {
            let (_, store) = opened(settings, &tenant).await?;
            let which = older_than.map_or(redact::Which::Entries(index), redact::Which::OlderThan);
            let done = redact::redact(&store, &tenant, which, &order.into(), output, out).await;
            store.close().await;
            done
        }
        AuditCommand::Prune { tenant, before, older_than, order } => {
            let (_, store) = opened(settings, &tenant).await?;
            let until = older_than.map(prune::Until::OlderThan);
            let until = until.unwrap_or(prune::Until::Entry(before.unwrap_or_default()));
            let done = prune::prune(&store, &settings()?, &tenant, until, &order.into(), output, out).await;
            store.close().await;
            done
        }
        AuditCommand::Hold { tenant, lift, order } => {
            let (_, store) = opened(settings, &tenant).await?;
            let done = redact::hold(&store, &tenant, &order.into(), lift, output, out).await;
            store.close().await;
            done
        }
        AuditCommand::Bench { entries } => bench::run(entries, output, out),
    }
}

/// The keys and the database, for a tenant that the settings list.
async fn opened(settings: &Load<'_>, tenant: &TenantId) -> anyhow::Result<(Keys, Store)> {
    let settings: Settings = settings()?;
    let listed = settings.tenant(tenant).is_some() || tenant.as_str() == INSTANCE;
    anyhow::ensure!(listed, "the settings list no tenant `{tenant}`");
    let keys = Keys::load(&settings.data.join("keys"))?;
    let store = open_store(&settings, &system_clock()).await?;
    Ok((keys, store))
}

/// The log's public key.
fn public(path: &Path) -> anyhow::Result<VerifyingKey> {
    let pem = std::fs::read_to_string(path).with_context(|| format!("cannot read the key {}", path.display()))?;
    let set = KeySet::from_pem(&pem).map_err(|fault| anyhow::anyhow!("{}: {}", path.display(), fault.reason))?;
    Ok(set.keys.first().context("no key")?.key)
}

/// A checkpoint in a file, under this key: the outer error is a file that cannot be read, the inner a signature.
fn noted(path: &Path, key: &Path) -> anyhow::Result<Result<Checkpoint, String>> {
    let note =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the checkpoint {}", path.display()))?;
    Ok(Checkpoint::open(&note, &public(key)?).map_err(|reason| format!("{}: {reason}", path.display())))
}
