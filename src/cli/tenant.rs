//! `tenant delete`: everything of a tenant goes, and a signed receipt says what it was.
//!
//! Must not delete a tenant that the settings still list: the service would begin it anew.

use super::admin::Load;
use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json};
use crate::app::system_clock;
use crate::config::Keys;
use crate::domain::attest::seal_as;
use crate::domain::audit::Checkpoint;
use crate::domain::canon;
use crate::domain::ids::TenantId;
use crate::store::Store;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// The type of a receipt.
const RECEIPT: &str = "application/vnd.countersign.deletion+json";

#[derive(Debug, Args)]
pub(super) struct TenantArgs {
    #[command(subcommand)]
    command: TenantCommand,
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// Deletes everything of a tenant that the settings no longer list; stop the service before.
    Delete {
        /// The tenant.
        tenant: TenantId,
        /// The tenant once more, because nothing of it comes back.
        #[arg(long, value_name = "TENANT")]
        confirm: TenantId,
        /// Where the signed receipt goes; it must not exist.
        #[arg(long, value_name = "FILE")]
        receipt: PathBuf,
    },
}

pub(super) async fn tenant(
    args: &TenantArgs,
    settings: &Load<'_>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let TenantCommand::Delete { tenant, confirm, receipt } = &args.command;
    let settings = settings()?;
    anyhow::ensure!(tenant == confirm, "--confirm names `{confirm}`, not `{tenant}`: nothing was deleted");
    anyhow::ensure!(
        settings.tenant(tenant).is_none(),
        "the settings still list `{tenant}`: take it out and stop the service first"
    );
    let keys = Keys::load(&settings.data.join("keys"))?;
    let store = Store::open(&settings.database_url(), &settings.instance).await?;
    let head = store.head(tenant).await?;
    // The receipt is opened first: nothing is deleted that nothing could tell of.
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(receipt).with_context(|| {
            format!("cannot write the receipt {}: name a file that does not exist", receipt.display())
        })?;
    let note = Checkpoint { origin: head.origin.clone(), size: head.size, root: head.root }.sign(&keys.log);
    store.remember_erasure(tenant, system_clock()()).await?;
    let gone = store.erase_tenant(tenant).await?;
    store.close().await;
    let mirrors = settings.data.join("mirrors").join(tenant.as_str());
    if mirrors.exists() {
        std::fs::remove_dir_all(&mirrors).with_context(|| format!("cannot remove {}", mirrors.display()))?;
    }
    let document = json!({
        "v": 1, "instance": settings.instance, "tenant": tenant, "at": system_clock()().whole_second().to_string(),
        "checkpoint": note, "rows": gone,
    });
    let envelope = seal_as(RECEIPT, &canon::canonical(&document), &keys.log);
    file.write_all(&envelope).and_then(|()| file.sync_all()).context("cannot write the receipt")?;
    let rows: u64 = gone.values().sum();
    match output {
        Output::Json => print_json(out, &document)?,
        Output::Text => writeln!(
            out,
            "{} {tenant}: {rows} rows, a log of {} entries; the receipt is in {}",
            paint(wanted(), Ink::Good, "deleted:"),
            head.size,
            receipt.display()
        )?,
    }
    Ok(Status::Done)
}
