//! Support for an app's tests.

use rocket::fairing::AdHoc;
use rocket::http::uri::Origin;
use rocket::http::{Accept, ContentType, Cookie, Status};
use rocket::local::blocking::Client;
use rocket::{Build, Orbit, Rocket, Route};

use crate::cookie::{SessionCookie, user_agent_hash};
use crate::unauthorized::LastError;
use crate::{LoginManager, LoginOptions, LoginUser, Remember};

/// The cookie of a session, for a test that begins logged in: Flask-Login's `FlaskLoginClient`.
///
/// `session_id` is what the store's `load` is given: the user's id, unless the app has sessions on
/// the server. The cookie belongs to a browser that sends no `User-Agent`, like Rocket's local
/// client. `None` if no manager of `U` is attached.
///
/// ```
/// # use rocket::{get, routes, local::blocking::Client};
/// # use rocket_login::{LoginManager, LoginStore, LoginUser, RequiredUser};
/// use rocket_login::{Remember, testing};
/// # struct User(String);
/// # impl LoginUser for User { type Store = Users; fn id(&self) -> String { self.0.clone() } }
/// # struct Users;
/// # impl LoginStore for Users {
/// #     type User = User;
/// #     type Error = std::convert::Infallible;
/// #     async fn load(&self, id: &str, _: i64) -> Result<Option<User>, Self::Error> {
/// #         Ok(Some(User(id.to_owned())))
/// #     }
/// # }
/// # #[get("/")] fn hello(user: RequiredUser<User>) -> String { user.0.clone() }
/// # let rocket = rocket::build().manage(Users).attach(LoginManager::<User>::new());
/// # let rocket = rocket.mount("/", routes![hello]);
///
/// let client = Client::tracked(rocket).unwrap();
/// let cookie = testing::session_cookie::<User>(client.rocket(), "ada", Remember::No).unwrap();
/// let response = client.get("/").private_cookie(cookie).dispatch();
/// assert_eq!(response.into_string().unwrap(), "ada");
/// ```
pub fn session_cookie<U: LoginUser>(
    rocket: &Rocket<Orbit>,
    session_id: &str,
    options: impl Into<LoginOptions>,
) -> Option<Cookie<'static>> {
    let manager = rocket.state::<LoginManager<U>>()?;
    let options = options.into();
    let now = manager.config.clock.now();
    Some(manager.config.cookie.cookie_with(&SessionCookie {
        session_id: session_id.to_owned(),
        expires_at: now + manager.lifetime(options.remember),
        authenticated_at: (!options.not_fresh).then_some(now),
        remembered: options.remember != Remember::No,
        user_agent_hash: user_agent_hash(""),
    }))
}

/// Requests every route of the app as an anonymous user, and returns those that no login guard
/// protects, sorted, such as `GET /login?<next>`.
///
/// Compare them with a list of your own, and a guard that was forgotten fails a test. The requests
/// are real, so use a database for tests. Dynamic segments are `1`, and bodies are empty.
///
/// # Errors
///
/// If the app does not launch.
pub fn open_routes(rocket: Rocket<Build>) -> Result<Vec<String>, Box<rocket::Error>> {
    let client = Client::untracked(rocket.attach(AdHoc::on_response(
        "Open routes",
        |request, response| {
            Box::pin(async move {
                let last = LastError::of(request);
                // An app can have a catcher of 401 of its own.
                let is_401 = response.status() == Status::Unauthorized;
                if last.responded || last.is_recorded() && is_401 {
                    response.set_raw_header(PROTECTED, "yes");
                }
            })
        },
    )))?;
    let mut open = Vec::new();
    for route in client.rocket().routes() {
        if !is_protected(&client, route) {
            open.push(format!("{} {}", route.method, route.uri));
        }
    }
    open.sort();
    open.dedup();
    Ok(open)
}

const PROTECTED: &str = "X-Login-Protected";

fn is_protected(client: &Client, route: &Route) -> bool {
    let path: String = route
        .uri
        .path()
        .split_inclusive('/')
        .map(|segment| if segment.starts_with('<') { "1/" } else { segment })
        .collect();
    let path = if route.uri.path().ends_with('>') { path.trim_end_matches('/') } else { &path };
    let Ok(path) = Origin::parse_owned(path.to_owned()) else { return false };
    let mut request = client.req(route.method, path);
    if let Some(format) = &route.format {
        match route.method.supports_payload() {
            true => request.add_header(ContentType::from(format.clone())),
            false => request.add_header(Accept::from(format.clone())),
        }
    }
    request.dispatch().headers().contains(PROTECTED)
}
