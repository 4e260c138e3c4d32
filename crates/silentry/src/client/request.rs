//! The methods that every request builder has.

/// Takes over names and values, whatever texts they are.
pub(crate) fn owned<N: Into<String>, V: Into<String>>(
    pairs: impl IntoIterator<Item = (N, V)>,
) -> impl Iterator<Item = (String, String)> {
    let pairs = pairs.into_iter();
    pairs.map(|(name, value)| (name.into(), value.into()))
}

/// Gives a request builder with a field `options` the methods that every request has.
macro_rules! common_request_methods {
    () => {
        /// Asks this tenant (an id or a domain) instead of the application's.
        pub fn with_tenant_id(mut self, tenant: impl Into<String>) -> Self {
            self.options.tenant = Some(tenant.into());
            self
        }

        /// Passes on claims (JSON), for instance those of an API's
        /// [claims challenge](crate::ClaimsChallenge). No token of the cache will do then.
        pub fn with_claims(mut self, claims: impl Into<String>) -> Self {
            self.options.claims = Some(claims.into());
            self
        }

        /// Uses this GUID as the correlation id, so that the call can be found in other logs. Such a call shares its
        /// exchange with no other.
        pub fn with_correlation_id(mut self, correlation_id: impl Into<String>) -> Self {
            self.options.correlation_id = Some(correlation_id.into());
            self
        }

        /// Adds query parameters to the token request, and to nothing else.
        pub fn with_extra_query_parameters<I, N, V>(mut self, parameters: I) -> Self
        where
            I: IntoIterator<Item = (N, V)>,
            N: Into<String>,
            V: Into<String>,
        {
            let parameters = $crate::client::request::owned(parameters);
            self.options.extra_query_parameters.extend(parameters);
            self
        }

        /// Adds HTTP headers to the token request, and to nothing else.
        pub fn with_extra_headers<I, N, V>(mut self, headers: I) -> Self
        where
            I: IntoIterator<Item = (N, V)>,
            N: Into<String>,
            V: Into<String>,
        {
            let headers = $crate::client::request::owned(headers);
            self.options.extra_headers.extend(headers);
            self
        }
    };
}

pub(crate) use common_request_methods;
