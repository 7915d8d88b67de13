//! The embedded database from outside: what another program, another version or a disk may do to it.
//!
//! Must not be used to look at what the service keeps; only to set the scene.

use crate::run::text;
use crate::site::Site;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tokio::runtime::Runtime;

/// Another program with the database open.
struct Stranger {
    runtime: Runtime,
    link: SqliteConnection,
}

impl Stranger {
    fn at(site: &Site) -> Stranger {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = SqliteConnectOptions::new().filename(site.path("data/countersign.sqlite"));
        let link = runtime.block_on(SqliteConnection::connect_with(&options)).unwrap();
        Stranger { runtime, link }
    }

    fn run(&mut self, sql: &'static str) {
        self.runtime.block_on(sqlx::query(sql).execute(&mut self.link)).unwrap();
    }
}

impl Site {
    /// What two minutes of waiting would do: the claims of a server that is dead end.
    pub(crate) fn end_leases(&self) {
        Stranger::at(self).run("UPDATE due SET lease = CASE WHEN lease > 0 THEN 1 ELSE 0 END, at = 0");
    }

    /// A deployment whose database was made by a first start.
    fn started_once() -> Site {
        let site = Site::set();
        assert_eq!(site.start().terminate().0, 0);
        site
    }
}

#[test]
fn a_database_that_somebody_holds_is_named() {
    let site = Site::started_once();
    let mut stranger = Stranger::at(&site);
    stranger.run("BEGIN EXCLUSIVE");
    site.serve_in_vain().fails_with(&["countersign.sqlite", "the database is locked by somebody else", "try again"]);
    stranger.run("ROLLBACK");
    drop(stranger);
    assert_eq!(site.start().terminate().0, 0);
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let site = Site::started_once();
    Stranger::at(&site).run(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)",
    );
    site.serve_in_vain().fails_with(&["schema 9999", "start the newer version again"]);
}

#[test]
fn a_database_that_cannot_be_written_is_named() {
    let site = Site::started_once();
    let file = site.path("data/countersign.sqlite");
    // A write version that SQLite does not know makes a file read-only, for the superuser too.
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[18] = 3;
    std::fs::write(&file, bytes).unwrap();
    site.serve_in_vain().fails_with(&[&text(&file), "the database cannot be written", "make it writable"]);
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let site = Site::set();
    let file = site.path("data/countersign.sqlite");
    std::fs::write(&file, "this is a letter, not a database, and it is long enough to look like one".repeat(9))
        .unwrap();
    site.serve_in_vain().fails_with(&["database"]);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    site.serve_in_vain().fails_with(&[&text(&file)]);
}
