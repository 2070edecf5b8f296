//! Support for an app's tests.

use rocket::fairing::AdHoc;
use rocket::http::uri::Origin;
use rocket::http::{Accept, ContentType, Cookie, Status};
use rocket::local::blocking::Client;
use rocket::{Build, Orbit, Rocket, Route};

use crate::cookie::{SessionCookie, user_agent_hash};
use crate::unauthorized::LastError;
use crate::{LoginManager, LoginOptions, LoginUser, NewSession, Remember};

/// Returns a session cookie that logs a test client in: Flask-Login's `FlaskLoginClient`.
///
/// The store's `load` receives `session_id`, which is the user's id unless the app uses server-side
/// sessions. The cookie is for a client that does not send a `User-Agent`, such as Rocket's local
/// client. Returns `None` if no `LoginManager<U>` is attached.
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

/// Sends an anonymous request to every route, and returns a sorted list of the routes that no login
/// guard protects, in the form `GET /login?<next>`.
///
/// Compare the result with the list that you expect, so that a forgotten guard fails a test. Use a
/// test database, because the handlers of unprotected routes run. In the requests, dynamic segments
/// are `1` and bodies are empty.
///
/// A route is protected if a login guard fails, and if the manager then responds or the status is
/// 401. The list also contains routes that no request reaches, because another route matches first.
///
/// # Errors
///
/// Returns an error if the app does not launch.
pub fn unprotected_routes(rocket: Rocket<Build>) -> Result<Vec<String>, Box<rocket::Error>> {
    let client = Client::untracked(rocket.attach(AdHoc::on_response(
        "Unprotected routes",
        |request, response| {
            Box::pin(async move {
                let last = LastError::of(request);
                // Also checks the status, because an app can register its own 401 catcher.
                let is_401 = response.status() == Status::Unauthorized;
                if last.is_of_a_guard() && (last.responded || is_401) {
                    // Includes the id of the route, because another route might have matched.
                    response
                        .set_raw_header(PROTECTED, request.route().map_or_else(String::new, id));
                }
            })
        },
    )))?;
    let mut unprotected = Vec::new();
    for route in client.rocket().routes() {
        if !is_protected(&client, route) {
            unprotected.push(format!("{} {}", route.method, route.uri));
        }
    }
    unprotected.sort();
    unprotected.dedup();
    Ok(unprotected)
}

/// Returns an argument for [`LoginStore::begin_session`](crate::LoginStore::begin_session), for
/// tests of a store. The public fields can be changed.
pub fn new_session(now: i64, expires_at: i64) -> NewSession<'static> {
    NewSession { now, expires_at, remembered: false, user_agent: "", fresh: true }
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
    request.dispatch().headers().get_one(PROTECTED) == Some(id(route).as_str())
}

fn id(route: &Route) -> String {
    let format = route.format.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{} {} {} {format}", route.method, route.uri, route.rank)
}
