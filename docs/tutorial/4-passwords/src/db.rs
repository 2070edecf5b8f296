use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{QueryResult, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use rocket::tokio::task::spawn_blocking;

use crate::error::Error;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

pub struct Db(Pool<ConnectionManager<SqliteConnection>>);

impl Db {
    pub fn open(path: &str) -> Result<Db, Error> {
        let pool = Pool::builder().max_size(1);
        let pool = pool.build(ConnectionManager::<SqliteConnection>::new(path))?;
        pool.get()?.run_pending_migrations(MIGRATIONS)?;
        Ok(Db(pool))
    }

    pub async fn run<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.0.clone();
        let run = move || Ok(query(&mut *pool.get()?)?);
        spawn_blocking(run).await?
    }
}
