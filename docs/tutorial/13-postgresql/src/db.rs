use std::time::Duration;

use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{PgConnection, QueryResult};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use rocket::tokio::task::spawn_blocking;

use crate::error::Error;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

pub struct Db(Pool<ConnectionManager<PgConnection>>);

impl Db {
    pub fn open(url: &str) -> Result<Db, Error> {
        let pool = Pool::builder().connection_timeout(Duration::from_secs(2));
        let pool = pool.build(ConnectionManager::<PgConnection>::new(url))?;
        pool.get()?.run_pending_migrations(MIGRATIONS)?;
        Ok(Db(pool))
    }

    /// Opens a database in which nothing is ever committed.
    #[cfg(test)]
    pub fn open_for_test(url: &str) -> Result<Db, Error> {
        let test = Box::new(diesel::r2d2::TestCustomizer);
        let pool = Pool::builder().max_size(1).connection_customizer(test);
        let pool = pool.build(ConnectionManager::<PgConnection>::new(url))?;
        pool.get()?.run_pending_migrations(MIGRATIONS)?;
        Ok(Db(pool))
    }

    pub async fn run<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.0.clone();
        let run = move || Ok(query(&mut *pool.get()?)?);
        spawn_blocking(run).await?
    }
}
