//! Concurrent requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use app::EventLog;
use diesel::connection::SimpleConnection;
use rocket::http::{Accept, ContentType, Cookie, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::tokio::{join, time::sleep};
use rocket_login::Clock;
use tempfile::TempDir;

use crate::support::*;

async fn client(dir: &TempDir) -> Client {
    let log = EventLog::new(Clock::default(), |_| {});
    let rocket = app::build(figment(dir), Clock::default(), log).unwrap();
    Client::untracked(rocket).await.unwrap()
}

fn login(response: &LocalResponse<'_>) -> Option<Cookie<'static>> {
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
        let ada = encode(&[("username", "ada"), ("password", PASSWORD)]);
        let registered = client.post("/register").header(ContentType::Form).body(&ada).dispatch();
        let cookie = login(&registered.await).unwrap();
        let form = encode(&[(field, password)]);
        let send = async || {
            let request = client.post(path).header(ContentType::Form).cookie(cookie.clone());
            login(&request.body(&form).dispatch().await)
        };
        let (one, other) = join!(send(), send());
        let given: Vec<_> = [one, other].into_iter().flatten().collect();
        assert_eq!(given.len(), 1, "{path}");
        assert!(is_logged_in(&client, given[0].clone()).await, "{path}");
        assert!(!is_logged_in(&client, cookie).await, "{path}");
    }
}

#[rocket::async_test]
async fn rejects_a_login_that_races_a_password_change() {
    let dir = tempfile::tempdir().unwrap();
    let client = client(&dir).await;
    let ada = encode(&[("username", "ada"), ("password", PASSWORD)]);
    client.post("/register").header(ContentType::Form).body(&ada).dispatch().await;
    let mut database = database(&dir);
    // Not committed, so the login does not see it, and waits to write.
    database.batch_execute("BEGIN").unwrap();
    database.batch_execute("UPDATE users SET password_hash = 'another'").unwrap();
    let change = async {
        // Meanwhile, the login verifies the password against the old hash.
        sleep(Duration::from_millis(700)).await;
        database.batch_execute("COMMIT").unwrap();
    };
    let login_meanwhile = client.post("/login").header(ContentType::Form).body(&ada).dispatch();
    let (response, ()) = join!(login_meanwhile, change);
    assert_eq!(response.status(), Status::UnprocessableEntity);
    assert_eq!(login(&response), None);
    let page = response.into_string().await.unwrap();
    assert!(page.contains("Invalid username or password."), "{page}");
}

#[rocket::async_test]
async fn a_page_does_not_wait_until_the_visit_is_noted() {
    let dir = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(BEGIN));
    let clock = time.clone();
    let clock = Clock::new(move || clock.load(Ordering::Relaxed));
    let log = EventLog::new(clock.clone(), |_| {});
    let rocket = app::build(figment(&dir), clock, log).unwrap();
    let client = Client::untracked(rocket).await.unwrap();
    let ada = encode(&[("username", "ada"), ("password", PASSWORD)]);
    let registered = client.post("/register").header(ContentType::Form).body(&ada).dispatch();
    let cookie = login(&registered.await).unwrap();
    time.fetch_add(61, Ordering::Relaxed);
    let mut database = database(&dir);
    // Another writer, which commits later.
    database.batch_execute("BEGIN; UPDATE sessions SET remembered = FALSE").unwrap();
    let begun = Instant::now();
    assert!(is_logged_in(&client, cookie.clone()).await);
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    database.batch_execute("COMMIT").unwrap();
    while last_visit(&mut database) != BEGIN + 61 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the visit was not noted");
        sleep(Duration::from_millis(20)).await;
    }
}
