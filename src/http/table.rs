//! How the URL table becomes routes, a list, and the API's description: one line for each, so that none of the
//! three can miss what another has.

use actix_web::{
    Route,
    http::Method,
    web::{self, ServiceConfig},
};

/// What one method of one path is answered by.
pub struct Line {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Makes the route.
    pub(super) route: fn() -> Route,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// `METHOD, … "/path" => module::handler;` for every path, where the handler carries `#[utoipa::path(…)]` with the
/// same methods and path. Makes `TABLE` and `Described`.
macro_rules! url_table {
    ($($($method:ident),+ $path:literal => $module:ident :: $handler:ident;)+) => {
        /// Every path and method, but for the socket's and the pages'.
        pub const TABLE: &[Line] = &[$($(
            Line {
                method: actix_web::http::Method::$method,
                path: $path,
                route: || actix_web::web::method(actix_web::http::Method::$method).to($module::$handler),
            }
        ),+),+];

        /// What the handlers say of themselves.
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($module::$handler),+))]
        struct Described;
    };
}
pub(super) use url_table;

/// Registers the lines that are `here`. All methods of a path stand on one resource, which answers others with 405 and `Allow`.
pub(super) fn register(table: &[Line], here: impl Fn(&Line) -> bool, app: &mut ServiceConfig) {
    for (i, first) in table.iter().enumerate() {
        if !here(first) || table[..i].iter().any(|line| line.path == first.path) {
            continue;
        }
        let lines = table.iter().filter(|line| line.path == first.path);
        app.service(lines.fold(web::resource(first.path), |resource, line| resource.route((line.route)())));
    }
}
