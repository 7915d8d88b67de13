//! What can go wrong here, as callers branch on it; every sentence says what to do next.
//!
//! Must not carry a statement, a row or the address of a server.

use crate::domain::ids::Time;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteError;

/// The result of everything in this room.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the database did not do what was asked; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row is not in the state that was expected; somebody else was faster.
    #[error("{0} was changed by somebody else meanwhile: read it again and decide anew")]
    Conflict(String),
    /// The name already stands for something else.
    #[error("the name already stands for proposal {existing} with other content: choose another name, or send none")]
    Duplicate {
        /// The id it stands for.
        existing: String,
    },
    /// The approval token, or its id, was used before.
    #[error("the token was used before: the approver has to mint another")]
    Replayed,
    /// The approver has given as many approvals as an hour allows.
    #[error("the approver has given as many approvals as an hour allows: send the token again at {0}")]
    Spent(Time),
    /// There is no such thing in this tenant.
    #[error("{0} is not known here: check its id and the tenant of the token")]
    NotFound(String),
    /// Somebody else holds the lock.
    #[error("the database is locked by somebody else: try again; if it stays so, look for a long transaction")]
    Busy,
    /// The database cannot be written.
    #[error("the database cannot be written ({0}): free space or make it writable, then try again")]
    ReadOnly(String),
    /// The database was written by a newer version.
    #[error(
        "the database has schema {found}, this version knows {known}: start the newer version again, or restore a \
         copy made before the upgrade"
    )]
    NewerSchema {
        /// The newest migration in the database.
        found: i64,
        /// The newest migration that is known.
        known: i64,
    },
    /// The database does not answer.
    #[error("the database cannot be reached ({0}): check that it runs and that its address is right")]
    Unreachable(String),
    /// The caller asked for what must not be; a mistake in this program or its settings.
    #[error("{0}")]
    Invalid(String),
    /// Anything else.
    #[error("the database failed ({0}): try again; if it stays so, look at the disk and at the database's own log")]
    Other(String),
}

impl StoreError {
    /// Whether the same call may succeed later without anything else done.
    pub fn is_transient(&self) -> bool {
        match self {
            StoreError::Busy | StoreError::Unreachable(_) | StoreError::ReadOnly(_) | StoreError::Other(_) => true,
            StoreError::Conflict(_)
            | StoreError::Duplicate { .. }
            | StoreError::Replayed
            | StoreError::Spent(_)
            | StoreError::NotFound(_)
            | StoreError::NewerSchema { .. }
            | StoreError::Invalid(_) => false,
        }
    }

    /// A stored value that cannot be read back.
    pub(super) fn damaged(what: &str, error: impl std::fmt::Display) -> StoreError {
        StoreError::Other(format!("{what} in the database cannot be read: {error}"))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match error {
            sqlx::Error::Database(error) => match error.try_downcast_ref::<SqliteError>() {
                Some(sqlite) => of_sqlite(sqlite),
                None => of_postgres(&*error),
            },
            sqlx::Error::PoolTimedOut => StoreError::Busy,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::Configuration(_)
            | sqlx::Error::WorkerCrashed => StoreError::Unreachable(error.to_string()),
            other => StoreError::Other(other.to_string()),
        }
    }
}

/// By SQLite's primary result codes.
fn of_sqlite(error: &SqliteError) -> StoreError {
    let text = error.message().to_owned();
    let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    match code & 0xff {
        5 | 6 => StoreError::Busy,
        8 | 13 => StoreError::ReadOnly(text),
        14 | 23 | 26 => StoreError::Unreachable(text),
        _ if error.is_unique_violation() => StoreError::Conflict("the row".into()),
        _ => StoreError::Other(text),
    }
}

/// By PostgreSQL's SQLSTATE.
fn of_postgres(error: &dyn DatabaseError) -> StoreError {
    let text = error.message().to_owned();
    match error.code().as_deref().unwrap_or_default() {
        "40001" | "40P01" | "55P03" | "57014" => StoreError::Busy,
        "25006" | "53100" => StoreError::ReadOnly(text),
        "23505" => StoreError::Conflict("the row".into()),
        code if code.starts_with("08") || code.starts_with("28") || code.starts_with("57P") => {
            StoreError::Unreachable(text)
        }
        "3D000" | "53300" => StoreError::Unreachable(text),
        _ => StoreError::Other(text),
    }
}

/// What a failed migration means; `known` is the newest migration of this version.
pub(super) fn of_migration(error: MigrateError, known: i64) -> StoreError {
    match error {
        MigrateError::VersionMissing(found) => StoreError::NewerSchema { found, known },
        MigrateError::VersionMismatch(version) => StoreError::Invalid(format!(
            "migration {version} in the database is not the one of this version: use the version that made it"
        )),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => StoreError::from(error),
        other => StoreError::Other(other.to_string()),
    }
}
