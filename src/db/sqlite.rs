//! Connections to SQLite.

use std::error::Error;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{Db, Setup, WAIT_TIMEOUT, default_pool_size, new_pool};
use crate::migrations;
use crate::settings::DataSettings;

/// Opens the file at `path` and runs its pending migrations.
pub fn open(path: &str, settings: &DataSettings) -> Result<Db, Box<dyn Error + Send + Sync>> {
    migrations::run_on_sqlite(path, &url(path), &setup(WAIT_TIMEOUT))?;
    log::warn!(target: "launch", "The database is the SQLite file {path}");
    let max = settings.database_pool.map_or_else(|| 2 * default_pool_size(), NonZeroU32::get);
    let pool = |wait, max, idle| {
        let setup = Setup { sql: Some(setup(wait)), prepared_statements: true };
        new_pool(url(path), setup, max, idle)
    };
    // Half of the connections are readers, which don't wait for locks. A single connection must wait.
    let readers = (max > 1).then(|| pool(Duration::ZERO, max / 2, 1));
    Ok(Db { pool: pool(WAIT_TIMEOUT, max.div_ceil(2), 0), readers, sqlite_file: Some(path.into()) })
}

fn url(path: &str) -> String {
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{}{escaped}?mode=rw", if path.starts_with('/') { "//" } else { "" })
}

/// With WAL, readers don't wait for a writer. Foreign keys also delete the sessions of a deleted user.
fn setup(wait: Duration) -> String {
    let wait = wait.as_millis();
    format!("PRAGMA busy_timeout = {wait}; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON")
}
