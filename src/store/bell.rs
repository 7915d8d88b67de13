//! Says that something became due, also where another process wrote it: PostgreSQL's LISTEN and NOTIFY.
//!
//! Must not be relied on: a ring that is lost costs the time until the next look, nothing else.

use super::Store;
use super::db::{Db, Tx, row};
use super::error::{Result, StoreError};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// The channel; it carries no text, so that nothing of a tenant is in it.
const CHANNEL: &str = "countersign_due";
/// The pause before a lost connection is tried again, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Rings in this process.
#[derive(Clone, Debug)]
pub(super) struct Rope(Arc<watch::Sender<()>>);

impl Default for Rope {
    fn default() -> Rope {
        Rope(Arc::new(watch::Sender::new(())))
    }
}

impl Rope {
    /// Rings for every bell of this process.
    pub(super) fn pull(&self) {
        self.0.send_replace(());
    }
}

/// Lets a worker hear that something became due.
#[derive(Debug)]
pub struct Bell {
    rung: watch::Receiver<()>,
    live: Arc<AtomicBool>,
    listener: Option<AbortHandle>,
}

impl Bell {
    /// Waits until it rings; one that rang since the last wait answers at once.
    pub async fn rung(&mut self) {
        if self.rung.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether rings of other processes arrive, so that a worker may look less often.
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}

impl Store {
    /// A bell; on PostgreSQL it listens to every process on this database.
    pub fn bell(&self) -> Bell {
        let live = Arc::new(AtomicBool::new(false));
        let listener = match &self.db {
            Db::Sqlite { .. } => None,
            Db::Postgres(pool) => {
                let task = tokio::spawn(listen(pool.clone(), self.rope.clone(), live.clone()));
                Some(task.abort_handle())
            }
        };
        Bell { rung: self.rope.0.subscribe(), live, listener }
    }
}

/// Tells other processes when the transaction is committed.
pub(super) async fn notify(tx: &mut Tx) -> Result<()> {
    match tx {
        Tx::Sqlite(..) => Ok(()),
        Tx::Postgres(_) => row!(tx, (i64,), "SELECT 1::BIGINT FROM pg_notify('countersign_due', '')").map(|_| ()),
    }
}

/// Listens until the pool is closed; whatever was missed while it could not is looked for afterwards.
async fn listen(pool: PgPool, rope: Rope, live: Arc<AtomicBool>) {
    let mut pause = FIRST_PAUSE;
    while !pool.is_closed() {
        if let Ok(mut listener) = listening(&pool).await {
            pause = FIRST_PAUSE;
            live.store(true, Ordering::Relaxed);
            loop {
                rope.pull();
                match listener.try_recv().await {
                    Ok(Some(_)) => {}
                    // Lost, and listening again: something may have been missed.
                    Ok(None) => tracing::debug!("the connection that listens was lost and is there again"),
                    Err(_) => break,
                }
            }
            live.store(false, Ordering::Relaxed);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn listening(pool: &PgPool) -> Result<PgListener> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await.map_err(StoreError::from)?;
    Ok(listener)
}
