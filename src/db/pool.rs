//! Connections that are kept open, and thrown away when they are of no more use.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use diesel::r2d2::{self, ManageConnection, NopErrorHandler, R2D2Connection};
use diesel::result::DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
use diesel::result::Error::DatabaseError;
use diesel::{ConnectionError, ConnectionResult, QueryResult};

use super::{DbConnection, PATIENCE};

/// What tells a database from another in the same place, if anything does.
pub type Identity = Option<(u64, u64)>;

/// Where the rows are, and all that differs between databases.
pub trait Source: Send + Sync {
    /// Brings the tables up to date. Of two processes that do it together, one waits.
    fn migrate(&self) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// A new connection, which waits that long for a lock.
    fn connect(&self, patience: Duration) -> ConnectionResult<DbConnection>;

    /// Which database that is now: another one may have come to its place.
    fn identity(&self) -> Identity {
        None
    }

    /// Whether a read takes less time than handing it to another thread.
    fn is_local(&self) -> bool;
}

pub type Pool = r2d2::Pool<Manager>;

/// At most as many connections as can be busy at once.
pub fn pool(source: Arc<dyn Source>, patience: Duration) -> Pool {
    let cores = available_parallelism().map_or(1, |cores| cores.get() as u32);
    r2d2::Pool::builder()
        .max_size(cores.max(4))
        .min_idle(Some(1))
        .connection_timeout(PATIENCE)
        .error_handler(Box::new(NopErrorHandler))
        .build_unchecked(Manager { source, patience, breaks: AtomicU64::new(0) })
}

pub struct Manager {
    source: Arc<dyn Source>,
    patience: Duration,
    /// How often a connection has broken: when one does, those made before it have broken too.
    breaks: AtomicU64,
}

pub struct Kept {
    connection: DbConnection,
    is_closed: bool,
    identity: Identity,
    breaks: u64,
}

impl ManageConnection for Manager {
    type Connection = Kept;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Kept, ConnectionError> {
        let breaks = self.breaks.load(Ordering::Relaxed);
        let identity = self.source.identity();
        let connection = self.source.connect(self.patience)?;
        Ok(Kept { connection, is_closed: false, identity, breaks })
    }

    fn is_valid(&self, kept: &mut Kept) -> Result<(), ConnectionError> {
        let breaks = self.breaks.load(Ordering::Relaxed);
        if kept.breaks == breaks && kept.identity == self.source.identity() {
            Ok(())
        } else {
            Err(ConnectionError::BadConnection("the database was restarted or replaced".to_owned()))
        }
    }

    fn has_broken(&self, kept: &mut Kept) -> bool {
        let is_broken = kept.is_lost() || std::thread::panicking();
        if is_broken {
            self.breaks.fetch_max(kept.breaks + 1, Ordering::Relaxed);
        }
        is_broken
    }
}

impl Kept {
    pub fn run<T>(
        &mut self,
        query: impl FnOnce(&mut DbConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let done = query(&mut self.connection);
        self.is_closed |= match &done {
            // Diesel takes note of most breaks, but not of a server that was gone before the query.
            Err(DatabaseError(UnableToSendCommand | ClosedConnection, _)) => true,
            // A file that could only be read when it was opened stays so for this connection.
            Err(DatabaseError(_, error)) => error.message().contains("readonly"),
            _ => false,
        };
        done
    }

    /// Whether there is no use in asking it again.
    pub fn is_lost(&mut self) -> bool {
        self.is_closed || self.connection.is_broken()
    }
}
