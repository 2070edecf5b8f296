//! `src/login/` lifted out of this app, into one with other users, other ids and no database.

#[allow(dead_code, unused_imports)]
#[path = "../src/login/mod.rs"]
mod login;

use std::collections::HashMap;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use login::*;
use rocket::fairing::AdHoc;
use rocket::http::{Header, Status};
use rocket::local::blocking::{Client, LocalResponse};
use rocket::{Build, Request, Rocket, State, get, post, routes};

/// A member of a club whose list hangs on the wall.
#[derive(Debug, Clone, PartialEq)]
struct Member {
    name: String,
    banned: bool,
}

#[derive(Default)]
struct Club {
    members: Mutex<HashMap<String, Member>>,
    asked: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the club is closed")
    }
}

impl std::error::Error for Closed {}

#[rocket::async_trait]
impl LoginUser for Member {
    type Store = Club;
    type Error = Closed;

    async fn load(club: &Club, id: &str) -> Result<Option<Member>, Closed> {
        club.asked.lock().unwrap().push(id.to_owned());
        match id {
            "the burglar" => Err(Closed),
            "the clown" => panic!("the list fell off the wall"),
            _ => Ok(club.members.lock().unwrap().get(id).cloned()),
        }
    }

    async fn load_from_request(
        club: &Club,
        request: &Request<'_>,
    ) -> Result<Option<Member>, Closed> {
        let card = request.headers().get_one("X-Card").unwrap_or_default();
        Ok(club.members.lock().unwrap().get(card).cloned())
    }

    async fn id(&self, _: &Club, _: &NewLogin<'_>) -> Result<String, Closed> {
        Ok(self.name.clone())
    }

    fn is_active(&self) -> bool {
        !self.banned
    }
}

fn member(name: &str) -> Member {
    Member { name: name.to_owned(), banned: name == "the banned" }
}

#[post("/enter/<name>?<remember>")]
async fn enter(name: &str, remember: Remember, login: Login<'_, Member>) -> String {
    let done = login.log_in(member(name), remember).await.unwrap();
    format!("{done} {:?}", login.user().map(|user| user.name.clone()))
}

#[post("/stay/<seconds>")]
async fn stay(seconds: NonZeroU32, login: Login<'_, Member>) {
    login.log_in(member("ann"), Remember::For(seconds)).await.unwrap();
}

#[post("/leave")]
async fn leave(login: Login<'_, Member>) -> &'static str {
    login.log_out().await.unwrap();
    if login.user().is_none() { "nobody" } else { "somebody" }
}

#[post("/confirm")]
async fn confirm(login: Login<'_, Member>) {
    login.confirm().await.unwrap();
}

#[get("/who")]
fn who(user: CurrentUser<Member>, login: Login<'_, Member>) -> String {
    assert_eq!(user.is_authenticated(), user.user().is_some());
    let name = user.user().map_or("nobody", |user| &user.name);
    format!("{name} fresh={} remembered={}", login.is_fresh(), login.is_remembered())
}

#[get("/lounge?<_seat>")]
fn lounge(user: RequiredUser<Member>, _seat: Option<&str>) -> String {
    user.name.clone()
}

#[get("/safe")]
fn safe(user: FreshUser<Member>) -> String {
    user.name.clone()
}

#[post("/safe/<_>/open")]
fn open(user: FreshUser<Member>) -> String {
    user.name.clone()
}

#[get("/why")]
fn why(user: Result<FreshUser<Member>, Refusal>) -> String {
    format!("{:?}", user.map(|user| user.name.clone()))
}

#[get("/picture/<_>")]
fn picture() {}

#[get("/asked")]
fn asked(club: &State<Club>) -> String {
    club.asked.lock().unwrap().len().to_string()
}

fn manager(settings: Settings) -> LoginManager<Member> {
    LoginManager::new(settings)
        .login_view("/enter?lang=en")
        .login_message("warning", "Members only.")
        .refresh_view("/confirm")
        .exempt("/picture")
}

fn club(manager: LoginManager<Member>) -> Rocket<Build> {
    let members = ["ann", "bob", "the banned"].map(|name| (name.to_owned(), member(name)));
    let club = Club { members: Mutex::new(members.into()), ..Club::default() };
    let routes = routes![enter, stay, leave, confirm, who, lounge, safe, open, why, picture, asked];
    let figment = rocket::Config::figment().merge(("log_level", "off"));
    rocket::custom(figment).manage(club).attach(manager.fairing()).mount("/", routes)
}

fn client(manager: LoginManager<Member>) -> Client {
    Client::tracked(club(manager)).unwrap()
}

fn enter_as(client: &Client, name: &str) -> String {
    text(client.post(format!("/enter/{}", name.replace(' ', "%20"))).dispatch())
}

fn read(client: &Client, path: &'static str) -> String {
    text(client.get(path).dispatch())
}

fn text(response: LocalResponse<'_>) -> String {
    response.into_string().unwrap_or_default()
}

#[track_caller]
fn is_sent_to(response: &LocalResponse<'_>, place: &str) {
    assert_eq!(response.status(), Status::SeeOther);
    assert_eq!(response.headers().get_one("Location"), Some(place));
}

fn wound_clock() -> (Arc<AtomicI64>, Clock) {
    let seconds =
        Arc::new(AtomicI64::new(rocket::time::OffsetDateTime::now_utc().unix_timestamp()));
    let hands = seconds.clone();
    (seconds, Clock::new(move || hands.load(Ordering::Relaxed)))
}

#[test]
fn a_login_lasts_over_requests_and_is_seen_by_the_rest_of_its_own() {
    let client = client(manager(Settings::default()));
    assert_eq!(read(&client, "/who"), "nobody fresh=false remembered=false");
    assert_eq!(enter_as(&client, "ann"), "true Some(\"ann\")");
    assert_eq!(read(&client, "/who"), "ann fresh=true remembered=false");
    assert_eq!(read(&client, "/lounge"), "ann");
    assert_eq!(text(client.post("/leave").dispatch()), "nobody");
    assert_eq!(read(&client, "/who"), "nobody fresh=false remembered=false");
}

#[test]
fn an_inactive_user_is_not_logged_in_and_no_longer_known() {
    let client = client(manager(Settings::default()));
    assert_eq!(enter_as(&client, "the banned"), "false None");
    assert!(client.cookies().get("login").is_none());
    enter_as(&client, "ann");
    let club: &State<Club> = State::get(client.rocket()).unwrap();
    club.members.lock().unwrap().get_mut("ann").unwrap().banned = true;
    assert_eq!(read(&client, "/who"), "nobody fresh=false remembered=false");
}

#[test]
fn an_id_that_the_loader_does_not_know_is_nobody() {
    let client = client(manager(Settings::default()));
    enter_as(&client, "a passer-by");
    is_sent_to(&client.get("/lounge").dispatch(), "/enter?lang=en&next=/lounge");
}

#[test]
fn a_stranger_is_flashed_and_sent_to_the_view_with_next() {
    let client = client(manager(Settings::default()));
    let response = client.get("/lounge?_seat=2").dispatch();
    is_sent_to(&response, "/enter?lang=en&next=/lounge%3F_seat%3D2");
    assert_eq!(response.cookies().get("_flash").unwrap().value(), "7:warningMembers only.");
}

#[test]
fn without_a_view_a_refusal_is_a_plain_401() {
    let (seconds, clock) = wound_clock();
    let client = client(LoginManager::new(Settings::default()).clock(clock));
    let response = client.get("/lounge").dispatch();
    assert_eq!(response.status(), Status::Unauthorized);
    assert_eq!(text(response), "Please log in to access this page.");
    enter_as(&client, "ann");
    seconds.fetch_add(15 * 60 + 1, Ordering::Relaxed);
    let response = client.get("/safe").dispatch();
    assert_eq!(response.status(), Status::Unauthorized);
    assert_eq!(text(response), "Please reauthenticate to access this page.");
}

#[test]
fn the_messages_are_flask_logins_where_the_app_has_none() {
    let client = client(LoginManager::new(Settings::default()).login_view("/enter"));
    let response = client.get("/lounge").dispatch();
    let flash = response.cookies().get("_flash").unwrap().value().to_owned();
    assert_eq!(flash, "7:messagePlease log in to access this page.");
}

#[test]
fn options_meets_no_guard() {
    let client = client(manager(Settings::default()));
    assert_eq!(client.options("/lounge").dispatch().status(), Status::NotFound);
}

#[test]
fn the_cookie_is_set_at_the_login_and_not_again() {
    let client = client(manager(Settings::default()));
    let response = client.post("/enter/ann?remember=yes").dispatch();
    assert!(response.headers().get_one("Set-Cookie").is_some());
    for path in ["/who", "/lounge", "/safe"] {
        assert_eq!(client.get(path).dispatch().headers().get_one("Set-Cookie"), None, "{path}");
    }
}

#[test]
fn a_test_may_begin_with_a_login() {
    let client = Client::untracked(club(manager(Settings::default()))).unwrap();
    let cookie = LoginManager::<Member>::test_cookie(client.rocket(), "ann").unwrap();
    assert_eq!(text(client.get("/safe").private_cookie(cookie).dispatch()), "ann");
}

#[test]
fn handlers_answer_in_place_of_the_default() {
    let manager = manager(Settings { fresh_for: NonZeroU32::MIN, ..Settings::default() });
    let (seconds, clock) = wound_clock();
    let heard = Arc::new(AtomicBool::new(false));
    let told_first = heard.clone();
    let manager = manager
        .clock(clock)
        .on_event(move |event, _| {
            heard.store(matches!(event, Event::Refused(_)), Ordering::Relaxed)
        })
        .unauthorized_handler(move |request| {
            assert!(told_first.load(Ordering::Relaxed));
            (Status::ImATeapot, format!("no {}", request.uri()))
        })
        .needs_refresh_handler(|_| "again");
    let client = client(manager);
    let response = client.get("/lounge").dispatch();
    assert_eq!(response.status(), Status::ImATeapot);
    assert_eq!(text(response), "no /lounge");
    enter_as(&client, "ann");
    seconds.fetch_add(2, Ordering::Relaxed);
    assert_eq!(read(&client, "/safe"), "again");
}

#[test]
fn fresh_is_an_age_that_confirming_renews() {
    let (seconds, clock) = wound_clock();
    let client = client(manager(Settings::default()).clock(clock));
    enter_as(&client, "ann");
    seconds.fetch_add(15 * 60, Ordering::Relaxed);
    assert_eq!(read(&client, "/safe"), "ann");
    seconds.fetch_add(1, Ordering::Relaxed);
    let response = client.get("/safe").dispatch();
    is_sent_to(&response, "/confirm?next=/safe");
    let flash = response.cookies().get("_flash").unwrap().value().to_owned();
    assert_eq!(flash, "7:messagePlease reauthenticate to access this page.");
    assert_eq!(read(&client, "/why"), "Err(NeedsRefresh)");
    assert_eq!(read(&client, "/lounge"), "ann");
    client.post("/confirm").dispatch();
    assert_eq!(read(&client, "/safe"), "ann");
}

#[test]
fn a_program_that_is_not_fresh_hears_so_in_json() {
    let (seconds, clock) = wound_clock();
    let client = client(manager(Settings::default()).clock(clock));
    enter_as(&client, "ann");
    seconds.fetch_add(15 * 60 + 1, Ordering::Relaxed);
    let json = Header::new("Accept", "application/json");
    let response = client.get("/safe").header(json).dispatch();
    assert_eq!(response.status(), Status::Unauthorized);
    assert!(response.headers().get_one("Set-Cookie").is_none());
    assert_eq!(text(response), r#"{"error":"Reauthentication required"}"#);
}

#[test]
fn a_refused_post_comes_back_to_the_nearest_page() {
    let client = client(manager(Settings::default()));
    is_sent_to(&client.post("/safe/5/open").dispatch(), "/enter?lang=en&next=/safe");
}

#[test]
fn remembered_for_so_long_and_no_longer() {
    let (seconds, clock) = wound_clock();
    let client = client(manager(Settings::default()).clock(clock));
    let response = client.post("/stay/100").dispatch();
    let cookie = response.cookies().get("login").unwrap().clone();
    assert_eq!(cookie.max_age().unwrap().whole_seconds(), 100);
    drop(response);
    assert_eq!(read(&client, "/who"), "ann fresh=true remembered=true");
    seconds.fetch_add(101, Ordering::Relaxed);
    let later = client.get("/who").cookie(cookie).dispatch();
    assert_eq!(text(later), "nobody fresh=false remembered=false");
}

#[test]
fn a_user_named_by_the_request_is_known_but_not_fresh_and_not_kept() {
    let client = client(manager(Settings::default()));
    let card = |path| client.get(path).header(Header::new("X-Card", "bob"));
    let response = card("/who").dispatch();
    assert!(response.headers().get_one("Set-Cookie").is_none());
    assert_eq!(text(response), "bob fresh=false remembered=false");
    is_sent_to(&card("/safe").dispatch(), "/confirm?next=/safe");
    assert_eq!(read(&client, "/who"), "nobody fresh=false remembered=false");
    enter_as(&client, "ann");
    assert_eq!(text(card("/lounge").dispatch()), "ann", "a login wins over the card");
}

#[test]
fn the_loader_is_asked_once_a_request_and_not_for_strangers_and_pictures() {
    let client = client(manager(Settings::default()));
    read(&client, "/who");
    read(&client, "/lounge");
    assert_eq!(read(&client, "/asked"), "0");
    enter_as(&client, "ann");
    read(&client, "/who");
    assert_eq!(read(&client, "/asked"), "2");
    read(&client, "/picture/1");
    assert_eq!(read(&client, "/asked"), "3");
}

#[test]
fn a_loader_that_fails_or_panics_is_503_and_no_logout() {
    for name in ["the burglar", "the clown"] {
        let client = client(manager(Settings::default()));
        enter_as(&client, name);
        for path in ["/who", "/lounge", "/safe"] {
            let response = client.get(path).dispatch();
            assert_eq!(response.status(), Status::ServiceUnavailable);
            assert!(response.headers().get_one("Set-Cookie").is_none());
        }
        assert_eq!(client.post("/leave").dispatch().status(), Status::ServiceUnavailable);
        assert_eq!(client.get("/picture/1").dispatch().status(), Status::Ok);
        assert!(client.cookies().get("login").is_some());
    }
}

#[test]
fn another_browser_is_free_stale_or_out_as_the_setting_says() {
    for (protection, who) in [
        (SessionProtection::None, "ann fresh=true remembered=false"),
        (SessionProtection::Basic, "ann fresh=false remembered=false"),
        (SessionProtection::Strong, "nobody fresh=false remembered=false"),
    ] {
        let settings = Settings { session_protection: protection, ..Settings::default() };
        let client = client(manager(settings));
        let from = |path: &'static str, agent: &'static str| {
            text(client.get(path).header(Header::new("User-Agent", agent)).dispatch())
        };
        client.post("/enter/ann").header(Header::new("User-Agent", "Firefox")).dispatch();
        assert_eq!(from("/who", "Chrome"), who, "{protection:?}");
        assert_eq!(from("/who", "Firefox"), "ann fresh=true remembered=false");
        assert_eq!(from("/lounge", "Firefox"), "ann");
    }
}

#[test]
fn a_clear_cookie_is_not_taken_for_a_sealed_one() {
    let client = Client::untracked(club(manager(Settings::default()))).unwrap();
    let ticket = LoginManager::<Member>::test_cookie(client.rocket(), "ann").unwrap();
    let forged = client.get("/who").cookie(ticket.clone()).dispatch();
    assert_eq!(text(forged), "nobody fresh=false remembered=false");
    let sealed = client.get("/who").private_cookie(ticket).dispatch();
    assert_eq!(text(sealed), "ann fresh=true remembered=false");
}

#[test]
fn over_https_the_cookie_is_secure_under_a_name_that_no_other_host_can_set() {
    let settings = Settings { secure_cookies: true, ..Settings::default() };
    let client = client(manager(settings).cookie_name("member"));
    let response = client.post("/enter/ann").dispatch();
    let cookie = response.cookies().get("__Host-member").unwrap().clone();
    assert_eq!((cookie.secure(), cookie.path(), cookie.domain()), (Some(true), Some("/"), None));
    drop(response);
    assert_eq!(read(&client, "/lounge"), "ann");
    let response = client.post("/leave").dispatch();
    let removal = response.headers().get_one("Set-Cookie").unwrap();
    for part in ["__Host-member=;", "Secure", "Path=/", "Max-Age=0"] {
        assert!(removal.contains(part), "{part} is not in {removal}");
    }
}

#[test]
fn the_hook_hears_all_that_happens() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = heard.clone();
    let settings =
        Settings { session_protection: SessionProtection::Strong, ..Settings::default() };
    let client = client(manager(settings).on_event(move |event, request| {
        let what = match event {
            Event::LoggedIn(user) => format!("in {}", user.name),
            Event::LoggedOut(user) => format!("out {:?}", user.map(|user| &user.name)),
            Event::Confirmed(user) => format!("confirmed {}", user.name),
            Event::Refused(refusal) => format!("{refusal:?} {}", request.uri()),
            Event::OtherBrowser => "other browser".to_owned(),
        };
        ears.lock().unwrap().push(what);
    }));
    read(&client, "/lounge");
    enter_as(&client, "ann");
    client.post("/confirm").dispatch();
    client.get("/who").header(Header::new("User-Agent", "another")).dispatch();
    client.post("/leave").dispatch();
    client.post("/leave").dispatch();
    assert_eq!(
        *heard.lock().unwrap(),
        [
            "Unauthorized /lounge",
            "in ann",
            "confirmed ann",
            "other browser",
            "out Some(\"ann\")",
            "out None"
        ]
    );
}

#[test]
fn two_kinds_of_users_have_a_manager_each() {
    #[derive(Debug)]
    struct Cook;

    #[rocket::async_trait]
    impl LoginUser for Cook {
        type Store = ();
        type Error = Infallible;

        async fn load(_: &(), id: &str) -> Result<Option<Self>, Infallible> {
            Ok((id == "cook").then_some(Cook))
        }

        async fn id(&self, _: &(), _: &NewLogin<'_>) -> Result<String, Infallible> {
            Ok("cook".to_owned())
        }
    }

    #[post("/kitchen/enter")]
    async fn begin(login: Login<'_, Cook>) {
        login.log_in(Cook, Remember::No).await.unwrap();
    }

    #[get("/kitchen/pot")]
    fn pot(_cook: RequiredUser<Cook>) -> &'static str {
        "soup"
    }

    #[get("/kitchens")]
    fn kitchens(cook: CurrentUser<Cook>) -> String {
        cook.is_authenticated().to_string()
    }

    let cooks = LoginManager::<Cook>::new(Settings::default()).login_view("/kitchen/door");
    let cooks = cooks.under("/kitchen", "cook");
    let club = club(manager(Settings::default()).login_view("/login"));
    let kitchen = club.manage(()).attach(cooks.fairing());
    let client = Client::tracked(kitchen.mount("/", routes![begin, pot, kitchens])).unwrap();
    let door = |path| client.get(path).dispatch().headers().get_one("Location").map(str::to_owned);

    enter_as(&client, "ann");
    assert_eq!(door("/kitchen/pot").unwrap(), "/kitchen/door?next=/kitchen/pot");
    client.post("/kitchen/enter").dispatch();
    assert_eq!(read(&client, "/kitchen/pot"), "soup");
    assert_eq!(read(&client, "/lounge"), "ann");
    assert_eq!(read(&client, "/kitchens"), "false");
    client.post("/leave").dispatch();
    assert_eq!(door("/lounge").unwrap(), "/login?next=/lounge");
    assert_eq!(read(&client, "/kitchen/pot"), "soup");
}

#[test]
fn what_is_attached_or_hooked_after_the_manager_knows_the_user() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let see = |by: &'static str| {
        let seen = seen.clone();
        move |request: &Request<'_>| {
            let user = current_user::<Member>(request).unwrap();
            seen.lock().unwrap().push((by, user.is_some()));
        }
    };
    let (hook, fairing) = (see("hook"), see("fairing"));
    let manager = manager(Settings::default()).on_event(move |event, request| {
        if let Event::LoggedIn(_) = event {
            hook(request);
        }
    });
    let club = club(manager).attach(AdHoc::on_request("After", move |request, _| {
        fairing(request);
        Box::pin(async {})
    }));
    let client = Client::tracked(club).unwrap();
    enter_as(&client, "ann");
    read(&client, "/who");
    assert_eq!(*seen.lock().unwrap(), [("fairing", false), ("hook", true), ("fairing", true)]);
}

#[test]
fn the_launch_stops_without_a_store_or_without_a_manager() {
    // Rocket panics when an error at launch is dropped unread.
    let refusal = |rocket| Client::untracked(rocket).err().map(|error| error.to_string());
    let without_store = rocket::build().attach(manager(Settings::default()).fairing());
    assert_eq!(refusal(without_store).unwrap(), "launch fairing(s) failed");
    for route in [routes![who], routes![lounge], routes![safe], routes![leave]] {
        let without_manager = rocket::build().manage(Club::default()).mount("/", route);
        assert_eq!(refusal(without_manager).unwrap(), "sentinel(s) aborted");
    }
}

#[test]
fn a_store_that_can_not_fail_needs_no_error() {
    struct Guest;

    #[rocket::async_trait]
    impl LoginUser for Guest {
        type Store = ();
        type Error = Infallible;

        async fn load(_: &(), _: &str) -> Result<Option<Self>, Infallible> {
            Ok(Some(Guest))
        }

        async fn id(&self, _: &(), _: &NewLogin<'_>) -> Result<String, Infallible> {
            Ok("guest".to_owned())
        }
    }

    let fairing = LoginManager::<Guest>::new(Settings::default()).fairing();
    assert!(Client::untracked(rocket::build().manage(()).attach(fairing)).is_ok());
}
