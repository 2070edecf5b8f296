//! A fuzz test with a seeded random number generator: random paths, and mutated forms and cookies.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{available_parallelism, scope};

use fastrand::Rng;
use rocket::http::{ContentType, Cookie, Method};

use crate::support::*;

/// The fragments that random text consists of.
const FRAGMENTS: [&str; 32] = [
    "/",
    "//",
    "/\\",
    "\\",
    "%2f",
    "%5c",
    "%00",
    "%ff",
    "%",
    "\0",
    "\r\n",
    "\t",
    "é",
    "\u{202e}",
    "🚀",
    "http://",
    "javascript:",
    "/dashboard",
    "/login?next=",
    "/reauthenticate",
    "..",
    ";",
    "=",
    "&",
    "next",
    "_method=PUT&",
    "username=ada&password=",
    "7:success",
    "4294967296:",
    "{\"id\":",
    "null",
    "-1",
];

fn random_text(random: &mut Rng) -> String {
    let mut text: String =
        (0..random.usize(..6)).map(|_| FRAGMENTS[random.usize(..FRAGMENTS.len())]).collect();
    if random.u8(..20) == 0 {
        text = text.repeat(random.usize(1..400));
    }
    for _ in 0..random.usize(..3) {
        text.push(char::from_u32(random.u32(..0x11_0000)).unwrap_or('\u{fffd}'));
    }
    text
}

fn mutate(random: &mut Rng, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..random.usize(..4) {
        let index = random.usize(..=bytes.len());
        match random.u8(..4) {
            0 => bytes.truncate(index),
            1 => bytes.insert(index, random.u8(..)),
            2 => drop(bytes.splice(index..index, random_text(random).into_bytes())),
            _ => bytes.get_mut(index).into_iter().for_each(|byte| *byte ^= 1 << random.u8(..8)),
        }
    }
    bytes
}

#[test]
fn random_requests_cause_no_panic_and_no_500() {
    let count = std::env::var("RANDOM_REQUESTS").map_or(5_000, |count| count.parse().unwrap());
    let seed = std::env::var("RANDOM_SEED").map_or(1, |seed| seed.parse().unwrap());
    let threads = available_parallelism().unwrap().get() as u64;
    scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || send_random_requests(seed + thread, count / threads));
        }
    });
}

fn send_random_requests(seed: u64, count: u64) {
    let mut random = Rng::with_seed(seed);
    let app = App::new();
    let logged_in = app.registered("ada");
    for n in 0..count {
        let mut browser = if random.bool() { logged_in.clone() } else { app.browser() };
        let path = match random.u8(..6) {
            0 => "/login?next=".to_owned() + &percent_encode(&random_text(&mut random)),
            1 => "/login?next=".to_owned() + &random_text(&mut random),
            2 => "/reauthenticate?next=".to_owned() + &random_text(&mut random),
            3 => "/".to_owned() + &random_text(&mut random),
            4 => ["/register", "/account", "/account/password"][random.usize(..3)].to_owned(),
            _ => format!("/account/sessions/{}/revoke", random_text(&mut random)),
        };
        for name in ["login", "device", "_flash"] {
            if random.u8(..3) == 0 {
                let original = browser.cookies.get(name).map_or("", |cookie| cookie.value());
                let value =
                    String::from_utf8_lossy(&mutate(&mut random, original.as_bytes())).into_owned();
                browser.cookies.insert(name.to_owned(), Cookie::new(name, value));
            }
        }
        let form =
            mutate(&mut random, b"username=ada&password=a+wrong+password&remember=on&next=/x");
        let types =
            [ContentType::Form, ContentType::JSON, ContentType::Plain, ContentType::FormData];
        let content_type = types[random.usize(..4)].clone();
        let header = ("Accept", ["text/html", "application/json", "*/*"][random.usize(..3)]);
        let response = catch_unwind(AssertUnwindSafe(|| match random.bool() {
            true => browser.send(Method::Get, &path, &[header], None),
            false => browser.send(Method::Post, &path, &[header], Some((content_type, &form))),
        }));
        let status = response.map_or(0, |response| response.status.code);
        assert!(
            (200..500).contains(&status) || status == 503,
            "RANDOM_SEED={seed}, request {n}: {status} for {path:?}, {form:?}, {:?}",
            browser.cookies,
        );
    }
}

fn percent_encode(text: &str) -> String {
    rocket::http::RawStr::new(text).percent_encode().to_string()
}
