//! Session protection, which detects a session cookie in another browser.

use std::sync::{Arc, Mutex};

use crate::support::*;
use rocket::http::Header;
use rocket::local::blocking::Client;
use rocket::{get, routes};
use rocket_login::{Event, Login, SessionProtection, Settings};

fn protected(protection: SessionProtection) -> Settings {
    let mut settings = Settings::default();
    settings.session_protection = protection;
    settings
}

#[test]
fn a_different_user_agent_has_the_configured_effect() {
    for (protection, who) in [
        (SessionProtection::None, "ada fresh=true remembered=false"),
        (SessionProtection::Basic, "ada fresh=false remembered=false"),
        (SessionProtection::Strong, "anonymous fresh=false remembered=false"),
    ] {
        let client = client(manager().settings(protected(protection)));
        client.post("/log-in/ada").header(Header::new("User-Agent", "Firefox")).dispatch();
        assert_eq!(get_from(&client, "/who", "Firefox"), "ada fresh=true remembered=false");
        assert_eq!(get_from(&client, "/who", "Chrome"), who, "{protection:?}");
        // Strong protection has also revoked the session for the original browser.
        let own = if protection == SessionProtection::Strong {
            who
        } else {
            "ada fresh=true remembered=false"
        };
        assert_eq!(get_from(&client, "/who", "Firefox"), own, "{protection:?}");
    }
}

#[test]
fn anonymous_users_get_no_session_cookie() {
    for protection in [SessionProtection::None, SessionProtection::Basic, SessionProtection::Strong]
    {
        let client = client(manager().settings(protected(protection)));
        for path in ["/who", "/static/1", "/nowhere"] {
            assert_sets_no_cookie(&client.get(path).dispatch());
        }
    }
}

#[test]
fn strong_protection_revokes_a_stolen_session_once_and_ignores_an_ended_session() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let events = seen.clone();
    let manager = manager().settings(protected(SessionProtection::Strong)).on_event(
        move |event: &Event<'_, User>, _| {
            if let Event::SessionProtected(user) = event {
                events.lock().unwrap().push(user.name.clone());
            }
        },
    );
    let client = client(manager);
    client.post("/log-in/ada").header(Header::new("User-Agent", "Firefox")).dispatch();
    for _ in 0..5 {
        get_from(&client, "/who", "curl");
    }
    assert_eq!(*seen.lock().unwrap(), ["ada"]);
    let ends = calls(&client).into_iter().filter(|call| call.starts_with("end_session"));
    assert_eq!(ends.count(), 1);

    client.post("/log-in/bob").header(Header::new("User-Agent", "Firefox")).dispatch();
    let copy = client.cookies().get("login").unwrap().clone();
    client.post("/log-out").header(Header::new("User-Agent", "Firefox")).dispatch();
    calls(&client);
    let thief = client.get("/who").cookie(copy).header(Header::new("User-Agent", "curl"));
    thief.dispatch();
    assert_eq!(*seen.lock().unwrap(), ["ada"]);
    assert!(calls(&client).iter().all(|call| call.starts_with("load ")));
}

#[get("/details")]
fn details(login: Login<'_, User>) -> String {
    let deactivated = login.store().deactivated.lock().unwrap().join(",");
    format!("{:?} {} {deactivated}", login.is_same_user_agent(), login.fresh_for())
}

#[test]
fn a_login_returns_its_store_its_settings_and_whether_the_user_agent_is_the_same() {
    let client = Client::tracked(rocket(manager()).mount("/", routes![details])).unwrap();
    users(&client).deactivated.lock().unwrap().push("eve".to_owned());
    assert_eq!(get_text(&client, "/details"), "None 900 eve");
    client.post("/log-in/ada").header(Header::new("User-Agent", "Firefox")).dispatch();
    assert_eq!(get_from(&client, "/details", "Firefox"), "Some(true) 900 eve");
    assert_eq!(get_from(&client, "/details", "curl"), "Some(false) 900 eve");
}
