//! Context processors, which add values to the context of every template.

use std::sync::{Mutex, PoisonError};

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::{Build, Request, Rocket};

use crate::web::page::Page;

/// A function that adds values to the context of every template, like Flask's `context_processor`. Attach
/// it to Rocket. An app can have several.
#[derive(Clone, Copy)]
pub struct ContextProcessor(pub fn(Page, &Request<'_>) -> Page);

#[derive(Default)]
struct ContextProcessors(Mutex<Vec<ContextProcessor>>);

#[rocket::async_trait]
impl Fairing for ContextProcessor {
    fn info(&self) -> Info {
        Info { name: "Context processor", kind: Kind::Ignite }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let rocket = match rocket.state::<ContextProcessors>() {
            Some(_) => rocket,
            None => rocket.manage(ContextProcessors::default()),
        };
        if let Some(ContextProcessors(all)) = rocket.state() {
            all.lock().unwrap_or_else(PoisonError::into_inner).push(*self);
        }
        Ok(rocket)
    }
}

/// Runs all context processors, in the order in which they were attached.
pub fn process(page: Page, request: &Request<'_>) -> Page {
    let Some(ContextProcessors(all)) = request.rocket().state() else { return page };
    let all = all.lock().unwrap_or_else(PoisonError::into_inner).clone();
    all.into_iter().fold(page, |page, ContextProcessor(process)| process(page, request))
}

#[cfg(test)]
#[test]
fn runs_all_context_processors_in_order() {
    use rocket::local::blocking::Client;

    let first = ContextProcessor(|page, _| page.with("name", "first").with("count", 1));
    let second = ContextProcessor(|page, _| page.with("name", "second"));
    let rocket = rocket::custom(rocket::Config::figment().merge(("log_level", "off")));
    let client = Client::untracked(rocket.attach(first).attach(second)).unwrap();
    let request = client.get("/");
    let page = process(Page::new("home"), request.inner());
    let expected = Page::new("home").with("count", 1).with("name", "second");
    assert_eq!(format!("{page:?}"), format!("{expected:?}"));
}
