//! What an app says of its users.

use rocket::Request;

/// A user who can log in: Flask-Login's `UserMixin` and its loaders.
///
/// ```
/// use app::login::{LoginUser, NewLogin};
///
/// struct Guest(String);
///
/// #[rocket::async_trait]
/// impl LoginUser for Guest {
///     type Store = Vec<String>;
///     type Error = std::convert::Infallible;
///
///     async fn load(names: &Vec<String>, id: &str) -> Result<Option<Self>, Self::Error> {
///         Ok(names.iter().find(|name| *name == id).cloned().map(Guest))
///     }
///
///     async fn id(&self, _: &Vec<String>, _: &NewLogin<'_>) -> Result<String, Self::Error> {
///         Ok(self.0.clone())
///     }
/// }
/// ```
#[rocket::async_trait]
pub trait LoginUser: Sized + Send + Sync + 'static {
    /// Where users are found. The app manages one; without it the launch stops.
    type Store: Send + Sync + 'static;

    /// Why the store did not answer. It is logged, so it holds no secret.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Finds the user whom the cookie's id stands for: Flask-Login's `user_loader`.
    ///
    /// `Ok(None)` means gone, and the visitor is anonymous. `Err` means unknown, which signs nobody
    /// out: the request is answered 503 and the cookie stays.
    async fn load(store: &Self::Store, id: &str) -> Result<Option<Self>, Self::Error>;

    /// Finds a user in the request itself, an API token in a header say, where no cookie says who
    /// it is: Flask-Login's `request_loader`. Nothing is written, and such a user is never fresh.
    async fn load_from_request(
        _store: &Self::Store,
        _request: &Request<'_>,
    ) -> Result<Option<Self>, Self::Error> {
        Ok(None)
    }

    /// The id that a new login seals into its cookie: Flask-Login's `get_id`.
    ///
    /// The user's own id will do, but then a copied cookie works until it expires, whoever logs out
    /// (Flask-Login's issue 480). A random one for each login, which [`end`](Self::end) forgets, does not.
    async fn id(&self, store: &Self::Store, login: &NewLogin<'_>) -> Result<String, Self::Error>;

    /// The id that goes on in place of `id` once the user has proved who they are again, or `None` if that
    /// login has ended in the meantime.
    async fn renew(&self, _store: &Self::Store, id: &str) -> Result<Option<String>, Self::Error> {
        Ok(Some(id.to_owned()))
    }

    /// Makes `id` worthless, because its login was ended. Without this a logout only takes back the
    /// cookie.
    async fn end(_store: &Self::Store, _id: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Whether the user may be signed in at all. Asked at login and on every request.
    fn is_active(&self) -> bool {
        true
    }
}

/// A login about to begin, as [`LoginUser::id`] sees it.
#[derive(Debug)]
pub struct NewLogin<'a> {
    /// When it ends at the latest, in seconds since 1970 UTC.
    pub expires: i64,
    /// Whether it outlives the browser.
    pub remembered: bool,
    /// The browser's `User-Agent`, at most 256 bytes of it.
    pub user_agent: &'a str,
}
