//! Events, similar to Flask-Login's signals.

use std::sync::{Arc, Mutex};

use crate::support::*;
use rocket::Request;
use rocket::fairing::AdHoc;
use rocket::http::Header;
use rocket::local::blocking::Client;
use rocket_login::{Event, LoginManager, SessionProtection, Settings, current_user};

type Seen = Arc<Mutex<Vec<String>>>;

fn subscribe(manager: LoginManager<User>, name: &'static str, seen: &Seen) -> LoginManager<User> {
    let seen = seen.clone();
    manager.on_event(move |event, request| {
        let event = match event {
            Event::LoggedIn(user) => format!("logged in {}", user.name),
            Event::LoggedOut(user) => format!("logged out {:?}", user.map(|user| &user.name)),
            Event::Confirmed(user) => format!("confirmed {}", user.name),
            Event::LoadedFromCookie(user) => format!("from cookie {}", user.name),
            Event::LoadedFromRequest(user) => format!("from request {}", user.name),
            Event::Unauthorized => format!("unauthorized {}", request.uri()),
            Event::NeedsRefresh => format!("needs refresh {}", request.uri()),
            Event::SessionProtected(user) => format!("protected {}", user.name),
            _ => "another".to_owned(),
        };
        seen.lock().unwrap().push(format!("{name}{event}"));
    })
}

#[test]
fn emits_all_events_in_order() {
    let (clock, time) = test_clock();
    let seen = Seen::default();
    let mut settings = Settings::default();
    settings.session_protection = SessionProtection::Strong;
    let client = client(subscribe(manager().settings(settings).clock(time), "", &seen));
    get_text(&client, "/members");
    log_in_as(&client, "ada");
    post_text(&client, "/confirm");
    advance(&clock, 15 * 60 + 1);
    get_text(&client, "/settings");
    post_text(&client, "/log-out");
    post_text(&client, "/log-out");
    client.get("/who").header(Header::new("X-Key", "bob")).dispatch();
    log_in_as(&client, "eve");
    get_from(&client, "/who", "another browser");
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "unauthorized /members",
            "logged in ada",
            "from cookie ada",
            "confirmed ada",
            "from cookie ada",
            "needs refresh /settings",
            "from cookie ada",
            "logged out Some(\"ada\")",
            "from request bob",
            "logged in eve",
            "protected eve",
        ]
    );
}

#[test]
fn calls_all_subscribers_in_order() {
    let seen = Seen::default();
    let client = client(subscribe(subscribe(manager(), "1 ", &seen), "2 ", &seen));
    log_in_as(&client, "ada");
    assert_eq!(*seen.lock().unwrap(), ["1 logged in ada", "2 logged in ada"]);
}

#[test]
fn subscribers_and_later_fairings_can_read_the_current_user() {
    let seen = Seen::default();
    let see = |by: &'static str| {
        let seen = seen.clone();
        move |request: &Request<'_>| {
            let user = current_user::<User>(request).unwrap();
            seen.lock().unwrap().push(format!("{by} {}", user.is_some()));
        }
    };
    let (subscriber, fairing) = (see("subscriber"), see("fairing"));
    let manager = manager().on_event(move |_, request| subscriber(request));
    let rocket = rocket(manager).attach(AdHoc::on_request("After", move |request, _| {
        fairing(request);
        Box::pin(async {})
    }));
    let client = Client::tracked(rocket).unwrap();
    log_in_as(&client, "ada");
    get_text(&client, "/who");
    let expected = ["fairing false", "subscriber true", "subscriber true", "fairing true"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn returns_503_if_a_subscriber_panics_while_the_user_is_loaded() {
    let client = client(manager().on_event(|event, _| {
        assert!(!matches!(event, Event::LoadedFromCookie(_)), "a subscriber that panics");
    }));
    log_in_as(&client, "ada");
    let response = client.get("/who").dispatch();
    assert_eq!(response.status(), rocket::http::Status::ServiceUnavailable);
}
