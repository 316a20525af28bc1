//! Which route a path means, read as express reads it in the original app. It answers nothing itself.

/// A path's route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/`, which leads to the page.
    Root,
    /// `/index.html`, as written: express serves it as a file.
    Page,
    /// `/json` in any case, with or without a slash behind it: so express compares its routes.
    Counts,
    /// `/api/observation`.
    Observation,
    /// `/api/experiment`.
    Experiment,
    /// Any other.
    Unknown,
}

impl Route {
    /// The route of `path`.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/" => Self::Root,
            "/index.html" => Self::Page,
            "/api/observation" => Self::Observation,
            "/api/experiment" => Self::Experiment,
            _ if path.strip_suffix('/').unwrap_or(path).eq_ignore_ascii_case("/json") => {
                Self::Counts
            }
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_found_as_express_finds_them() {
        for path in ["/json", "/json/", "/JSON", "/Json/"] {
            assert_eq!(Route::of(path), Route::Counts, "{path}");
        }
        for path in ["/json//", "//json", "/%6ason", "/jsonx", "/JSON/x", "/INDEX.HTML", "//", "*"]
        {
            assert_eq!(Route::of(path), Route::Unknown, "{path}");
        }
        assert_eq!((Route::of("/"), Route::of("/index.html")), (Route::Root, Route::Page));
    }
}
