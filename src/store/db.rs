//! Connections: two typed pools behind one enum, transactions, migrations.
//!
//! Must not know what the rows mean.

use super::error::{Result, StoreError, of_migration};
use super::wal::Wal;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};
use std::time::Duration;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a caller waits for a lock or a free connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often a start tries to prepare a file that other processes prepare too, and the pause between.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(25);
/// Connections that read, beside SQLite's one writer.
const READERS: u32 = 4;
/// Connections to PostgreSQL.
const CONNECTIONS: u32 = 10;

/// The pools of one database.
#[derive(Clone, Debug)]
pub(super) enum Db {
    /// One connection that writes, several that read.
    Sqlite {
        /// The connection that writes.
        writer: SqlitePool,
        /// Those that read; the same pool for a database in memory.
        reader: SqlitePool,
        /// What makes commits last; none for a database in memory.
        wal: Option<Wal>,
    },
    /// One pool for both.
    Postgres(PgPool),
}

/// A transaction of either kind; rolled back when dropped.
pub(super) enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>, Option<Wal>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

/// Does the same with a transaction's connection, whichever kind it is.
macro_rules! on {
    ($tx:expr, $link:ident => $call:expr) => {
        match $tx {
            $crate::store::db::Tx::Sqlite(open, _) => {
                let $link = &mut **open;
                $call
            }
            $crate::store::db::Tx::Postgres(open) => {
                let $link = &mut **open;
                $call
            }
        }
    };
}

/// Runs a statement with its values; the number of rows it changed.
macro_rules! run {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::store::db::on!($tx, link => {
            let done = sqlx::query($sql)$(.bind($value))*.execute(link).await;
            done.map(|done| done.rows_affected()).map_err($crate::store::error::StoreError::from)
        })
    };
}

/// Reads all rows of a query as tuples.
macro_rules! rows {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::store::db::on!($tx, link => {
            let found = sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_all(link).await;
            found.map_err($crate::store::error::StoreError::from)
        })
    };
}

/// Reads at most one row of a query as a tuple.
macro_rules! row {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::store::db::on!($tx, link => {
            let found = sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_optional(link).await;
            found.map_err($crate::store::error::StoreError::from)
        })
    };
}

pub(super) use {on, row, rows, run};

impl Db {
    /// Opens `sqlite:PATH` or `postgres://...` and brings its schema up to date.
    pub(super) async fn open(url: &str, patience: Duration) -> Result<Db> {
        let db = match url.strip_prefix("sqlite:") {
            Some(":memory:") => return Db::memory().await,
            Some(path) => Db::file(path.strip_prefix("//").unwrap_or(path), patience).await?,
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Db::server(url, patience).await?
            }
            None => {
                let reason = "the database address begins with neither `sqlite:` nor `postgres://`: correct `database`";
                return Err(StoreError::Invalid(reason.into()));
            }
        };
        db.migrate().await?;
        db.unhindered().await?;
        Ok(db)
    }

    /// Refuses a role that row level security would show a part of the rows, or none.
    async fn unhindered(&self) -> Result<()> {
        let Db::Postgres(pool) = self else { return Ok(()) };
        let asked = sqlx::query_as::<_, (bool,)>("SELECT row_security_active('proposal')").fetch_one(pool).await;
        match asked.map_err(of_server)? {
            (false,) => Ok(()),
            (true,) => Err(StoreError::Invalid(
                "the database's role neither owns the tables nor bypasses row level security, and would miss rows: \
                 connect as the role that owns them"
                    .into(),
            )),
        }
    }

    /// A database in memory: one connection that never closes.
    pub(super) async fn memory() -> Result<Db> {
        let pool = one().connect_with(sqlite(PATIENCE).in_memory(true)).await?;
        let db = Db::Sqlite { writer: pool.clone(), reader: pool, wal: None };
        db.migrate().await?;
        Ok(db)
    }

    async fn file(path: &str, patience: Duration) -> Result<Db> {
        private(path).map_err(|error| StoreError::Unreachable(format!("{path}: {error}")))?;
        let options = sqlite(patience)
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // SQLite waits for the disk before it moves the log into the file; for each commit, `Wal` does.
            .synchronous(SqliteSynchronous::Normal);
        let writer = || async {
            let pool = one().acquire_timeout(patience).before_acquire(|link, _| Box::pin(usable(link)));
            pool.connect_with(options.clone()).await.map_err(StoreError::from)
        };
        let writer = again(writer).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(patience)
            .before_acquire(|link, _| Box::pin(usable(link)))
            .connect_lazy_with(options.clone().pragma("query_only", "on"));
        Ok(Db::Sqlite { writer, reader, wal: Some(Wal::of(path)) })
    }

    async fn server(url: &str, patience: Duration) -> Result<Db> {
        let wait = format!("{}ms", patience.as_millis());
        let options: PgConnectOptions = url.parse()?;
        let options = options
            .application_name("countersign")
            .options([("lock_timeout", wait.as_str()), ("idle_in_transaction_session_timeout", "60s")]);
        // The pool would try until its patience ends; one connection beforehand says at once what is wrong.
        match tokio::time::timeout(patience, PgConnection::connect_with(&options)).await {
            Ok(link) => link?.close().await?,
            Err(_) => return Err(silent()),
        }
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(patience)
            .after_connect(|link, _| Box::pin(durable(link)))
            .connect_lazy_with(options);
        Ok(Db::Postgres(pool))
    }

    /// Brings the schema up to date; two processes may do so at once.
    async fn migrate(&self) -> Result<()> {
        match self {
            Db::Postgres(pool) => POSTGRES.run(pool).await.map_err(|error| of_migration(error, newest(&POSTGRES))),
            Db::Sqlite { writer, .. } => {
                let run = || async { SQLITE.run(writer).await.map_err(|error| of_migration(error, newest(&SQLITE))) };
                again(run).await
            }
        }
    }

    /// Begins a transaction that writes.
    pub(super) async fn write(&self) -> Result<Tx> {
        Ok(match self {
            Db::Sqlite { writer, wal, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?, wal.clone()),
            Db::Postgres(pool) => Tx::Postgres(pool.begin().await.map_err(of_server)?),
        })
    }

    /// Begins a transaction that reads one snapshot.
    pub(super) async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Db::Sqlite { reader, .. } => Tx::Sqlite(reader.begin().await?, None),
            Db::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Tx::Postgres(pool.begin_with(begin).await.map_err(of_server)?)
            }
        })
    }

    /// Waits until all that could be read is on the disk. On SQLite readers see a commit before its writer has waited
    /// for the disk, whichever process that is; PostgreSQL shows none before.
    pub(super) async fn last(&self) -> Result<()> {
        match self {
            Db::Sqlite { wal: Some(wal), .. } => wal.last().await,
            Db::Sqlite { wal: None, .. } | Db::Postgres(_) => Ok(()),
        }
    }

    /// Closes every connection; what is under way ends first.
    pub(super) async fn close(&self) {
        match self {
            Db::Sqlite { writer, reader, .. } => {
                reader.close().await;
                writer.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes it last.
    pub(super) async fn commit(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx, wal) => {
                tx.commit().await?;
                // The connection is free again: others write while this one waits for the disk.
                if let Some(wal) = wal {
                    wal.last().await?;
                }
            }
            Tx::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// The statement for this kind of database, where one text cannot serve both.
    pub(super) fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Tx::Sqlite(..) => sqlite,
            Tx::Postgres(_) => postgres,
        }
    }
}

fn one() -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None)
}

fn sqlite(patience: Duration) -> SqliteConnectOptions {
    // What is redacted is overwritten, not only no longer found.
    SqliteConnectOptions::new().foreign_keys(true).busy_timeout(patience).pragma("secure_delete", "on")
}

/// Does what several processes may do at once to a new file; SQLite lets only one of them, and the others not wait:
/// neither for the switch to WAL nor for a migration.
async fn again<T, Fut: Future<Output = Result<T>>>(attempt: impl Fn() -> Fut) -> Result<T> {
    for _ in 0..ATTEMPTS {
        match attempt().await {
            Err(StoreError::Busy | StoreError::Conflict(_) | StoreError::Other(_)) => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
    attempt().await
}

/// Makes a file that is not there readable for its owner only: it holds the key that names actors.
fn private(path: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A server that is down shows only as patience that ended.
fn of_server(error: sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::PoolTimedOut) { silent() } else { error.into() }
}

fn silent() -> StoreError {
    StoreError::Unreachable("no connection within the time a caller waits".into())
}

/// After a full disk SQLite rolls back by itself and sqlx 0.9.0 believes that the transaction is still open: such a
/// connection is replaced.
async fn usable(link: &mut SqliteConnection) -> std::result::Result<bool, sqlx::Error> {
    Ok(!link.is_in_transaction())
}

/// An announced effect must survive a crash, whatever the server's default is.
async fn durable(link: &mut PgConnection) -> std::result::Result<(), sqlx::Error> {
    let sql =
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
    sqlx::query(sql).execute(link).await.map(|_| ())
}

fn newest(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or_default()
}
