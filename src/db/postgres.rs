//! Connections to PostgreSQL.

use std::num::NonZeroU32;

use diesel::connection::CacheSize;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use super::{Db, QUERY_TIMEOUT, Setup, WAIT_TIMEOUT, default_pool_size, new_pool};
use crate::migrations;
use crate::settings::DataSettings;

/// How many connections are compared to detect a pooler.
const COMPARED_CONNECTIONS: usize = 6;

const INVALID_URL: &str = "the URL is invalid. Encode special characters of the password, for example / as %2F and % as %25";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Opens the database and runs its pending migrations.
pub fn open(settings: &DataSettings) -> Result<Db> {
    let url = with_timeouts(&settings.database_url);
    let mut connection = connect(&url)?;
    let name = after_password(&settings.database_url).split('?').next().unwrap_or_default();
    log::warn!(target: "launch", "The database is PostgreSQL at {}", name.trim_start_matches('@'));
    migrations::run_on_postgres(&mut connection)?;
    // `false` means that there is a pooler. `true` does not mean that there is none.
    let pools_transactions =
        settings.prepared_statements == Some(false) || pools_transactions(&mut connection, &url)?;
    if pools_transactions {
        warn_without_timeout(&mut connection)?;
    }
    let setup = Setup {
        sql: (!pools_transactions).then(timeouts),
        prepared_statements: settings.prepared_statements.unwrap_or(!pools_transactions),
    };
    let max = settings.database_pool.map_or_else(default_pool_size, NonZeroU32::get);
    Ok(Db { pool: new_pool(url, setup, max, 0), readers: None, sqlite_file: None })
}

/// Returns SQL that sets time limits, so that PostgreSQL ends what no request waits for.
fn timeouts() -> String {
    let lock = WAIT_TIMEOUT.as_millis();
    let query = (QUERY_TIMEOUT - WAIT_TIMEOUT).as_millis();
    format!(
        "SET lock_timeout = {lock}; SET statement_timeout = {query}; \
         SET idle_in_transaction_session_timeout = {query}"
    )
}

/// Connects without named prepared statements, so that this works behind every pooler.
fn connect(url: &str) -> Result<PgConnection> {
    let mut connection = PgConnection::establish(url).map_err(|cause| {
        // libpq quotes parts of an invalid URL, which can be parts of the password.
        let cause = cause.to_string();
        let url_errors = ["URI", "percent-encoded", "port number", "option \"port\""];
        let is_url_error = url_errors.iter().any(|text| cause.contains(text));
        if is_url_error { INVALID_URL.to_owned() } else { cause }
    })?;
    connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    Ok(connection)
}

/// Returns the part of a URL after the user and the password. A password can contain `?`, and ends at the first `@`
/// before the first slash.
fn after_password(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.find(['@', '/']) {
        Some(end) if rest[end..].starts_with('@') => &rest[end..],
        _ => rest,
    }
}

/// Adds parameters of libpq to the URL, unless it contains them. Without them, the kernel sends lost packets again
/// for 15 minutes before a query fails.
fn with_timeouts(url: &str) -> String {
    let response = QUERY_TIMEOUT - WAIT_TIMEOUT;
    let parameters = [
        ("connect_timeout", WAIT_TIMEOUT.as_secs().to_string()),
        ("tcp_user_timeout", response.as_millis().to_string()),
        // Detects a lost server that has acknowledged the query but does not send the result.
        ("keepalives_idle", response.as_secs().to_string()),
        ("keepalives_interval", "1".to_owned()),
    ];
    let host = url.len() - after_password(url).len();
    let end = url[host..].find('?').map_or(url.len(), |query| host + query);
    let (base, query) = (&url[..end], url[end..].trim_start_matches('?'));
    let mut parts: Vec<_> = query.split('&').filter(|part| !part.is_empty()).collect();
    let is_set = |name: &str| parts.iter().any(|part| part.split('=').next() == Some(name));
    let missing = parameters.iter().filter(|(name, _)| !is_set(name));
    let missing: Vec<_> = missing.map(|(name, value)| format!("{name}={value}")).collect();
    parts.extend(missing.iter().map(String::as_str));
    format!("{base}?{}", parts.join("&"))
}

/// Returns whether a pooler such as PgBouncer can give each transaction a different connection to PostgreSQL. Each
/// connection has its own prepared statements, so the app could run the wrong statement.
///
/// Without such a pooler, each connection has its own server process, and keeps it. Several connections are compared,
/// because there can be several poolers, and a busy pooler can choose the same server process by chance.
fn pools_transactions(first: &mut PgConnection, url: &str) -> QueryResult<bool> {
    // Fewer if the server has no more connections.
    let mut others: Vec<_> = (1..COMPARED_CONNECTIONS).map_while(|_| connect(url).ok()).collect();
    let mut previous = Vec::new();
    for _ in 0..3 {
        let mut processes = Vec::new();
        for connection in std::iter::once(&mut *first).chain(&mut others) {
            let process = process_id(connection)?;
            // Twice, because a pooler can use its connections in turn.
            if processes.contains(&process) || process_id(connection)? != process {
                return Ok(true);
            }
            processes.push(process);
        }
        if !previous.is_empty() && previous != processes {
            return Ok(true);
        }
        previous = processes;
    }
    Ok(false)
}

fn process_id(connection: &mut PgConnection) -> QueryResult<i32> {
    diesel::select(sql::<Integer>("pg_backend_pid()")).get_result(connection)
}

/// Warns if queries have no time limit. The app can't set one, because a pooler would give the setting to other
/// clients.
fn warn_without_timeout(connection: &mut PgConnection) -> QueryResult<()> {
    let timeout = sql::<Text>("current_setting('statement_timeout')");
    let timeout: String = diesel::select(timeout).get_result(connection)?;
    if timeout == "0" {
        rocket::warn!(
            "Behind this pooler, the database user needs a statement_timeout. \
             Set it with ALTER ROLE."
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_url_win_over_the_timeouts() {
        let added =
            "connect_timeout=2&tcp_user_timeout=4000&keepalives_idle=4&keepalives_interval=1";
        for (url, expected) in [
            ("postgres://h/d", format!("postgres://h/d?{added}")),
            ("postgres://h/d?", format!("postgres://h/d?{added}")),
            ("postgres://u:p?&=@h/d", format!("postgres://u:p?&=@h/d?{added}")),
            ("postgres://h/d?user=a@b&", format!("postgres://h/d?user=a@b&{added}")),
            ("postgres://h/d?sslmode=require", format!("postgres://h/d?sslmode=require&{added}")),
            (
                "postgres://a,b/d?tcp_user_timeout=9&keepalives_interval=8&keepalives_idle=7&connect_timeout=6",
                "postgres://a,b/d?tcp_user_timeout=9&keepalives_interval=8&keepalives_idle=7&connect_timeout=6".to_owned(),
            ),
        ] {
            assert_eq!(with_timeouts(url), expected);
        }
    }
}
