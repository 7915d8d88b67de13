//! Removes everything of one tenant: its rows in every table, its log among them.
//!
//! Must not touch a row of another tenant, nor leave a table out because nobody listed it.

use super::Store;
use super::db::{Tx, rows, run};
use super::error::{Result, StoreError};
use crate::domain::ids::TenantId;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

const TABLES: &str = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                      WHERE m.type = 'table' AND c.name = 'tenant' ORDER BY m.name";
const TABLES_SERVER: &str = "SELECT table_name::text FROM information_schema.columns \
                             WHERE column_name = 'tenant' AND table_schema = current_schema() ORDER BY table_name";
const TRIGGERS: &str = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'";

impl Store {
    /// Deletes all rows of a tenant at once; how many there were in each table.
    pub async fn erase_tenant(&self, tenant: &TenantId) -> Result<BTreeMap<String, u64>> {
        let mut tx = self.db.write().await?;
        let guards = lower(&mut tx).await?;
        let tables = tx.pick(TABLES, TABLES_SERVER);
        let mut left: Vec<String> = rows!(&mut tx, (String,), tables)?.into_iter().map(|(name,)| name).collect();
        let mut gone = BTreeMap::new();
        while !left.is_empty() {
            let before = left.len();
            for table in std::mem::take(&mut left) {
                match delete(&mut tx, &table, tenant).await? {
                    Some(count) => drop(gone.insert(table, count)),
                    // Rows of another table still refer to these: once more when those are gone.
                    None => left.push(table),
                }
            }
            if left.len() == before {
                return Err(StoreError::Other(format!("{} cannot be emptied", left.join(", "))));
            }
        }
        raise(&mut tx, guards).await?;
        tx.commit().await.map(|()| gone)
    }
}

/// Takes down what forbids to delete, until the transaction is over.
async fn lower(tx: &mut Tx) -> Result<Vec<String>> {
    match tx {
        Tx::Sqlite(..) => {
            run!(&mut *tx, "PRAGMA defer_foreign_keys = ON")?;
            let mut guards = Vec::new();
            for (name, sql) in rows!(&mut *tx, (String, String), TRIGGERS)? {
                run!(&mut *tx, AssertSqlSafe(format!("DROP TRIGGER \"{name}\"")))?;
                guards.push(sql);
            }
            Ok(guards)
        }
        Tx::Postgres(_) => {
            let tables = rows!(&mut *tx, (String,), TABLES_SERVER)?;
            for (table,) in &tables {
                run!(&mut *tx, AssertSqlSafe(format!("ALTER TABLE \"{table}\" DISABLE TRIGGER USER")))?;
            }
            Ok(tables.into_iter().map(|(t,)| format!("ALTER TABLE \"{t}\" ENABLE TRIGGER USER")).collect())
        }
    }
}

async fn raise(tx: &mut Tx, guards: Vec<String>) -> Result<()> {
    for sql in guards {
        run!(&mut *tx, AssertSqlSafe(sql))?;
    }
    Ok(())
}

/// Deletes a tenant's rows of one table; none when other rows refer to them.
async fn delete(tx: &mut Tx, table: &str, tenant: &TenantId) -> Result<Option<u64>> {
    let server = matches!(tx, Tx::Postgres(_));
    if server {
        run!(&mut *tx, "SAVEPOINT one_table")?;
    }
    let sql = format!("DELETE FROM {table} WHERE tenant = $1");
    match run!(&mut *tx, AssertSqlSafe(sql), tenant.as_str()) {
        Ok(count) => Ok(Some(count)),
        Err(_) if server => {
            run!(&mut *tx, "ROLLBACK TO SAVEPOINT one_table")?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
