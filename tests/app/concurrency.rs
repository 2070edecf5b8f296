//! Concurrent requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use app::EventLog;
use argon2::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use diesel::connection::SimpleConnection;
use rocket::http::{Accept, ContentType, Cookie, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::tokio::{join, time::sleep};
use rocket_login::Clock;
use tempfile::TempDir;

use crate::support::*;

async fn client(dir: &TempDir) -> Client {
    client_with_events(dir, |_| {}).await
}

async fn client_with_events(
    dir: &TempDir,
    record: impl Fn(&str) + Send + Sync + 'static,
) -> Client {
    let log = EventLog::new(Clock::default(), record);
    let rocket = app::build(figment(dir), Clock::default(), log).unwrap();
    Client::untracked(rocket).await.unwrap()
}

fn session_cookie(response: &LocalResponse<'_>) -> Option<Cookie<'static>> {
    response.cookies().get("login").cloned()
}

async fn is_logged_in(client: &Client, cookie: Cookie<'static>) -> bool {
    let request = client.get("/api/me").header(Accept::JSON).cookie(cookie);
    request.dispatch().await.status() == Status::Ok
}

#[rocket::async_test]
async fn of_two_concurrent_renewals_only_one_succeeds() {
    for (path, field, password) in [
        ("/reauthenticate", "password", PASSWORD),
        ("/account/password", "new_password", "another horse, other batteries"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let client = client(&dir).await;
        let form = encode(&[("username", "ada"), ("password", PASSWORD)]);
        let registered = client.post("/register").header(ContentType::Form).body(&form).dispatch();
        let cookie = session_cookie(&registered.await).unwrap();
        let new_form = encode(&[(field, password)]);
        let send = async || {
            let request = client.post(path).header(ContentType::Form).cookie(cookie.clone());
            session_cookie(&request.body(&new_form).dispatch().await)
        };
        let (first, second) = join!(send(), send());
        let new_cookies: Vec<_> = [first, second].into_iter().flatten().collect();
        assert_eq!(new_cookies.len(), 1, "{path}");
        assert!(is_logged_in(&client, new_cookies[0].clone()).await, "{path}");
        assert!(!is_logged_in(&client, cookie).await, "{path}");
    }
}

/// Logs in while `change` is made but not committed: the login does not see the change and cannot write.
async fn log_in_during<'c>(
    client: &'c Client,
    database: &mut Database,
    change: &str,
) -> LocalResponse<'c> {
    database.batch_execute("BEGIN").unwrap();
    database.batch_execute(change).unwrap();
    let commit = async {
        // Gives the login time to verify the password against the old row.
        sleep(Duration::from_millis(700)).await;
        database.batch_execute("COMMIT").unwrap();
    };
    let form = encode(&[("username", "ada"), ("password", PASSWORD)]);
    let login = client.post("/login").header(ContentType::Form).body(form).dispatch();
    join!(login, commit).0
}

#[rocket::async_test]
async fn rejects_a_login_if_the_password_changes_during_the_login() {
    let dir = tempfile::tempdir().unwrap();
    let reached = Arc::new(AtomicBool::new(false));
    let flag = reached.clone();
    let record = move |line: &str| {
        flag.fetch_or(line.contains("\"reason\":\"user_changed\""), Ordering::Relaxed);
    };
    let client = client_with_events(&dir, record).await;
    let form = encode(&[("username", "ada"), ("password", PASSWORD)]);
    client.post("/register").header(ContentType::Form).body(&form).dispatch().await;
    let change = "UPDATE users SET password_hash = 'another'";
    let response = log_in_during(&client, &mut database(&dir), change).await;
    assert_eq!(response.status(), Status::UnprocessableEntity);
    assert_eq!(session_cookie(&response), None);
    let page = response.into_string().await.unwrap();
    assert!(page.contains("Invalid username or password."), "{page}");
    assert!(reached.load(Ordering::Relaxed), "the login failed before the race");
}

#[rocket::async_test]
async fn a_page_does_not_wait_for_its_visit_to_be_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(START_TIME));
    let clock_time = time.clone();
    let clock = Clock::new(move || clock_time.load(Ordering::Relaxed));
    let log = EventLog::new(clock.clone(), |_| {});
    let rocket = app::build(figment(&dir), clock, log).unwrap();
    let client = Client::untracked(rocket).await.unwrap();
    let form = encode(&[("username", "ada"), ("password", PASSWORD)]);
    let registered = client.post("/register").header(ContentType::Form).body(&form).dispatch();
    let cookie = session_cookie(&registered.await).unwrap();
    time.fetch_add(61, Ordering::Relaxed);
    let mut database = database(&dir);
    // Blocks other writers until the commit below.
    database.batch_execute("BEGIN; UPDATE sessions SET remembered = FALSE").unwrap();
    let started = Instant::now();
    assert!(is_logged_in(&client, cookie.clone()).await);
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    database.batch_execute("COMMIT").unwrap();
    while last_seen_at(&mut database) != START_TIME + 61 {
        assert!(started.elapsed() < Duration::from_secs(10), "the visit was not recorded");
        sleep(Duration::from_millis(20)).await;
    }
}

#[rocket::async_test]
async fn concurrent_logins_that_rehash_a_weak_hash_both_succeed() {
    let dir = tempfile::tempdir().unwrap();
    let client = client(&dir).await;
    let form = encode(&[("username", "ada"), ("password", PASSWORD)]);
    let params = argon2::Params::new(8 * 1024, 2, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(Default::default(), Default::default(), params);
    let hash: PasswordHash = argon2.hash_password(PASSWORD.as_bytes()).unwrap();
    let insert = format!("INSERT INTO users (username, password_hash) VALUES ('ada', '{hash}')");
    database(&dir).batch_execute(&insert).unwrap();
    let log_in = async || {
        let request = client.post("/login").header(ContentType::Form).body(&form);
        request.dispatch().await.status()
    };
    assert_eq!(join!(log_in(), log_in()), (Status::SeeOther, Status::SeeOther));
}

#[rocket::async_test]
async fn rejects_a_login_if_the_user_is_deactivated_during_the_login() {
    let dir = tempfile::tempdir().unwrap();
    let client = client(&dir).await;
    let form = encode(&[("username", "ada"), ("password", PASSWORD)]);
    client.post("/register").header(ContentType::Form).body(&form).dispatch().await;
    let mut database = database(&dir);
    database.batch_execute("DELETE FROM sessions").unwrap();
    let change = "UPDATE users SET is_active = FALSE";
    let response = log_in_during(&client, &mut database, change).await;
    assert_eq!(response.status(), Status::UnprocessableEntity);
    let sessions = count_sessions(&mut database);
    assert_eq!(sessions, 0, "the session would work again after a reactivation");
}

#[rocket::async_test]
async fn a_password_change_revokes_the_session_of_a_concurrent_login() {
    let dir = tempfile::tempdir().unwrap();
    let client = client(&dir).await;
    let form = encode(&[("username", "ada"), ("password", PASSWORD)]);
    let registered = client.post("/register").header(ContentType::Form).body(&form).dispatch();
    let cookie = session_cookie(&registered.await).unwrap();
    let mut database = database(&dir);
    // Does what a login does, but does not commit yet.
    database.batch_execute("BEGIN").unwrap();
    database.batch_execute("UPDATE users SET id = id").unwrap();
    let token_hash = if matches!(database, Database::Sqlite(_)) { "x'00'" } else { r"'\x00'" };
    database
        .batch_execute(&format!(
            "INSERT INTO sessions (user_id, token_hash, user_agent, remembered, created_at,
                                   last_seen_at, expires_at, absolute_expires_at)
             SELECT user_id, {token_hash}, '', remembered, created_at, last_seen_at, expires_at,
                    absolute_expires_at FROM sessions"
        ))
        .unwrap();
    let commit = async {
        sleep(Duration::from_millis(700)).await;
        database.batch_execute("COMMIT").unwrap();
    };
    let form = encode(&[("new_password", "another horse, other batteries")]);
    let change = client.post("/account/password").header(ContentType::Form).cookie(cookie);
    let (response, ()) = join!(change.body(&form).dispatch(), commit);
    assert_eq!(response.status(), Status::SeeOther);
    assert_eq!(count_sessions(&mut database), 1);
}
