//! Pages: templates with the current user and the flash messages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rocket::fairing::Fairing;
use rocket::figment::value::{Dict, Value};
use rocket::http::Status;
use rocket::response::{self, Responder};
use rocket::{Ignite, Request, Rocket, Sentinel};
use rocket_dyn_templates::Template;
use rocket_login::{current_user, expects_json};
use serde::Serialize;

use crate::accounts::User;
use crate::web::context;
use crate::web::static_files::StaticFiles;

/// A page rendered from `templates/NAME.html.tera`.
///
/// Every template has the values of `View`, such as `current_user`, so handlers don't pass them.
#[derive(Debug, Serialize)]
pub struct Page {
    #[serde(skip)]
    template: &'static str,
    #[serde(skip)]
    pub status: Status,
    flashes: Vec<Flash>,
    /// Validation errors, keyed by field name.
    field_errors: BTreeMap<&'static str, String>,
    #[serde(flatten)]
    context: Dict,
}

#[derive(Debug, Serialize)]
struct Flash {
    category: &'static str,
    message: String,
}

/// The context of a template.
#[derive(Serialize)]
struct View<'a> {
    /// The name of the site.
    site: &'static str,
    current_user: Option<&'a User>,
    /// The path of the request, for the link to the current page.
    path: &'a str,
    /// Whether the page shows a form again because of an error.
    is_error: bool,
    #[serde(flatten)]
    page: &'a Page,
}

/// The name of the site: the package name as words, so that the name is set only in `Cargo.toml`.
static SITE: LazyLock<String> = LazyLock::new(|| {
    let words = env!("CARGO_PKG_NAME").split(['-', '_']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
});

/// The categories of flash messages in the style sheet.
const CATEGORIES: [&str; 4] = ["success", "info", "warning", "danger"];

impl Page {
    /// Creates a page from a template, with status 200.
    pub fn new(template: &'static str) -> Page {
        Page {
            template,
            status: Status::Ok,
            flashes: Vec::new(),
            field_errors: BTreeMap::new(),
            context: Dict::new(),
        }
    }

    /// Adds `value` to the template's context.
    ///
    /// # Panics
    ///
    /// Panics if `value` can't be serialized, for example a map with keys that are not strings. Rocket
    /// then responds with status 500.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Page {
        match Value::serialize(value) {
            Ok(value) => drop(self.context.insert(name.to_owned(), value)),
            Err(cause) => panic!("{} can't show {name}: {cause}", self.template),
        }
        self
    }

    /// Adds a validation error to a field if `error` is not `None`.
    pub fn field_error(mut self, field: &'static str, error: Option<impl Into<String>>) -> Page {
        self.field_errors.extend(error.map(|error| (field, error.into())));
        self
    }

    /// Adds a flash message to this page. For the page after a redirect, use Rocket's `Flash`.
    pub fn flash(mut self, category: &str, message: impl Into<String>) -> Page {
        self.flashes.push(Flash::new(category, message.into()));
        self
    }

    /// Sets the status.
    pub fn status(mut self, status: Status) -> Page {
        self.status = status;
        self
    }
}

impl<'r> Responder<'r, 'static> for Page {
    fn respond_to(mut self, request: &'r Request<'_>) -> response::Result<'static> {
        let is_server_error = self.status.class().is_server_error();
        let user = match current_user::<User>(request) {
            Ok(user) => user,
            // Otherwise, the page would show a logged-in user as anonymous.
            Err(_) if !is_server_error => return Err(Status::ServiceUnavailable),
            Err(_) => None,
        };
        // A server error page leaves the flash message in its cookie, so that the next page shows it.
        if !is_server_error {
            self.flashes.extend(Flash::take(request));
        }
        self = context::process(self, request);
        let is_danger = |flash: &Flash| flash.category == "danger";
        let view = View {
            site: &SITE,
            current_user: user.as_deref(),
            path: request.uri().path().as_str(),
            is_error: !self.field_errors.is_empty() || self.flashes.iter().any(is_danger),
            page: &self,
        };
        let page = Template::render(self.template, view);
        (self.status, page).respond_to(request)
    }
}

impl Sentinel for Page {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        Template::abort(rocket)
    }
}

impl Flash {
    fn new(category: &str, message: String) -> Flash {
        let known = CATEGORIES.into_iter().find(|known| *known == category);
        Flash { category: known.unwrap_or("info"), message }
    }

    /// Returns the flash message from the cookie that a redirect has set, and removes the cookie.
    ///
    /// Does not use Rocket's `FlashMessage` guard, because that guard panics if the length in the
    /// cookie is not at a character boundary, and any client can send such a cookie.
    fn take(request: &Request<'_>) -> Option<Flash> {
        // Browsers don't show the error page of a missing image, but Turbo and htmx show the pages that
        // they fetch.
        let is_read = match request.headers().get_one("Sec-Fetch-Dest") {
            None | Some("document") => true,
            Some("empty") => !expects_json(request),
            Some(_) => false,
        };
        let cookie = request.cookies().get("_flash").filter(|_| is_read)?;
        request.cookies().remove("_flash");
        let (length, text) = cookie.value().split_once(':')?;
        let (category, message) = text.split_at_checked(length.parse().ok()?)?;
        (!message.is_empty()).then(|| Flash::new(category, message.to_owned()))
    }
}

/// Loads the templates.
pub fn fairing(static_files: StaticFiles) -> impl Fairing {
    Template::custom(move |engines| {
        engines.tera.register_function("static_url", static_files.clone());
        // Does not escape slashes, so that paths in the HTML are readable. Most text needs no escape at
        // all, and `escape_html` copies character by character.
        engines.tera.set_escape_fn(|text| {
            if !text.contains(['&', '<', '>', '"', '\'']) {
                return text.to_owned();
            }
            tera::escape_html(text).replace("&#x2F;", "/")
        });
    })
}

#[cfg(test)]
#[test]
#[should_panic(expected = "home can't show scores")]
fn panics_for_a_value_that_a_template_can_not_show() {
    let _ = Page::new("home").with("scores", BTreeMap::from([([1, 2], 3)]));
}
