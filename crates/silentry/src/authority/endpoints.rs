//! Where an authority takes requests.
//!
//! Nothing needs to be asked for that about Entra, whose paths are the same in every cloud, and about AD FS, whose paths
//! are fixed as well (MS-OAPX 3.2.5; MSAL.NET and MSAL Java take them so): its document would cost an exchange and could
//! only say the same. Any other server is known by its discovery document alone.

use silentry_protocol::cloud::AuthorityKind;
use silentry_protocol::cloud::Cloud;
use silentry_protocol::discovery::instance::CloudMetadata;
use silentry_protocol::discovery::openid::OpenIdConfiguration;
use url::Url;

use super::issuer::Issuer;
use super::{Authority, Tenant};

/// Where an authority takes requests, and who issues its tokens.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "interactive"),
    allow(dead_code, reason = "what serves the browser is unused without one")
)]
pub(crate) struct Endpoints {
    /// At the host that its cloud prefers.
    pub(crate) authority: Authority,
    /// The other names of its host, where they had to be asked for.
    aliases: Vec<String>,
    pub(crate) token: Url,
    pub(crate) authorization: Url,
    pub(crate) device_authorization: Option<Url>,
    pub(crate) issuer: Issuer,
    /// Whether the answer of a sign-in can come as a form, which stays out of the browser's history.
    pub(crate) form_post: bool,
    /// Whether the answer of a sign-in must name its issuer (RFC 9207).
    pub(crate) names_issuer: bool,
}

impl Endpoints {
    /// Those of an authority whose host needs no question; `None` for a server that only its document tells about.
    pub(crate) fn fixed(authority: &Authority) -> Option<Self> {
        let cloud = Cloud::of_host(authority.host());
        match (authority.kind(), cloud) {
            (AuthorityKind::Entra, Some(cloud)) => {
                let issuer = Issuer::of_cloud(cloud, tenant_id(authority));
                Some(Self::at_paths(authority.clone(), "v2.0/", issuer))
            }
            (AuthorityKind::Entra, None) => {
                let issuer = Issuer::Entra {
                    hosts: Vec::new(),
                    tenant: tenant_id(authority),
                };
                Some(Self::at_paths(authority.clone(), "v2.0/", issuer))
            }
            (AuthorityKind::AdFs, _) => {
                let issuer = Issuer::AdFs(authority.to_string());
                Some(Self::at_paths(authority.clone(), "", issuer))
            }
            (AuthorityKind::OpenIdConnect, _) => None,
        }
    }

    /// Those of a tenant in a cloud that instance discovery told about.
    pub(crate) fn of_cloud(authority: &Authority, cloud: &CloudMetadata) -> Self {
        let issuer = Issuer::Entra {
            hosts: cloud.aliases.clone(),
            tenant: tenant_id(authority),
        };
        let authority = authority.at(&cloud.preferred_network);
        Self {
            aliases: cloud.aliases.clone(),
            ..Self::at_paths(authority, "v2.0/", issuer)
        }
    }

    /// Those that a server tells itself.
    pub(crate) fn of_server(authority: &Authority, server: OpenIdConfiguration) -> Self {
        Self {
            authority: authority.clone(),
            aliases: Vec::new(),
            token: server.token_endpoint,
            authorization: server.authorization_endpoint,
            device_authorization: server.device_authorization_endpoint,
            issuer: Issuer::OpenIdConnect(server.issuer),
            form_post: server.form_post,
            names_issuer: server.names_issuer,
        }
    }

    /// Returns whether the accounts that the cache has in this environment are the server's own, so that it may see their
    /// refresh tokens.
    pub(crate) fn knows_accounts_of(&self, environment: &str) -> bool {
        let authority = &self.authority;
        if authority.kind() == AuthorityKind::OpenIdConnect {
            // The path of an issuer has case.
            return environment == authority.environment();
        }
        let environment = environment.to_ascii_lowercase();
        let cloud = Cloud::of_host(&environment);
        environment == authority.environment()
            || environment == authority.host_and_port()
            || cloud.is_some_and(|cloud| cloud.has_alias(authority.host()))
            || self.aliases.contains(&environment)
    }

    fn at_paths(authority: Authority, version: &str, issuer: Issuer) -> Self {
        let endpoint = |name: &str| {
            let mut url = authority.origin().clone();
            url.set_path(&format!("{}/oauth2/{version}{name}", authority.realm()));
            url
        };
        Self {
            token: endpoint("token"),
            authorization: endpoint("authorize"),
            device_authorization: Some(endpoint("devicecode")),
            authority,
            aliases: Vec::new(),
            issuer,
            form_post: true,
            names_issuer: false,
        }
    }
}

fn tenant_id(authority: &Authority) -> Option<String> {
    match authority.tenant() {
        Some(Tenant::Id(id)) => Some(id.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(authority: &str) -> Endpoints {
        Endpoints::fixed(&Authority::parse(authority).unwrap()).unwrap()
    }

    #[test]
    fn entra_and_ad_fs_have_fixed_paths() {
        let entra = fixed("https://login.microsoftonline.com/contoso.com");
        assert_eq!(
            entra.token.as_str(),
            "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"
        );
        let adfs = fixed("https://FS.contoso.com:444/adfs/");
        assert_eq!(
            adfs.token.as_str(),
            "https://fs.contoso.com:444/adfs/oauth2/token"
        );
        assert_eq!(
            adfs.device_authorization.unwrap().as_str(),
            "https://fs.contoso.com:444/adfs/oauth2/devicecode"
        );
        assert_eq!(
            adfs.authorization.as_str(),
            "https://fs.contoso.com:444/adfs/oauth2/authorize"
        );
        let server = Authority::open_id_connect("https://id.contoso.com").unwrap();
        assert!(Endpoints::fixed(&server).is_none());
    }

    #[test]
    fn accounts_of_others_are_not_known() {
        let public = fixed("https://login.microsoft.com/contoso.com");
        assert!(public.knows_accounts_of("STS.windows.net"));
        let china = fixed("https://login.chinacloudapi.cn/contoso.com");
        let adfs = fixed("https://fs.contoso.com:444/adfs");
        assert!(adfs.knows_accounts_of("fs.contoso.com"));
        assert!(adfs.knows_accounts_of("fs.contoso.com:444"));
        let issuer = |issuer: &str| {
            let authority = Authority::open_id_connect(issuer).unwrap();
            let server = OpenIdConfiguration {
                issuer: issuer.to_owned(),
                authorization_endpoint: authority.origin().clone(),
                token_endpoint: authority.origin().clone(),
                device_authorization_endpoint: None,
                form_post: false,
                names_issuer: false,
            };
            Endpoints::of_server(&authority, server)
        };
        let staff = issuer("https://id.contoso.com:444/realms/staff");
        assert!(staff.knows_accounts_of("id.contoso.com:444/realms/staff"));
        let like_entra = issuer("https://login.microsoftonline.com");
        for (server, environment) in [
            (&public, "login.microsoftonline.us"),
            (&china, "sts.windows.net"),
            (&adfs, "login.windows.net"),
            (&adfs, "fs.contoso.com.evil.test"),
            (&public, "fs.contoso.com"),
            (&staff, "id.contoso.com:444"),
            (&staff, "id.contoso.com:444/"),
            (&staff, "id.contoso.com:444/realms/Staff"),
            (&staff, "id.contoso.com:444/realms/guests"),
            (&adfs, "fs.contoso.com/"),
            (&adfs, "fs.contoso.com/adfs"),
            (&like_entra, "login.microsoftonline.com"),
            (&like_entra, "login.windows.net"),
        ] {
            assert!(!server.knows_accounts_of(environment), "{environment}");
        }
    }

    #[test]
    fn a_cloud_is_called_by_the_host_that_it_prefers() {
        let authority = Authority::parse("https://old.new.test:8443/contoso.com").unwrap();
        let cloud = CloudMetadata {
            preferred_network: "login.new.test".into(),
            aliases: vec!["login.new.test".into(), "old.new.test".into()],
        };
        let moved = Endpoints::of_cloud(&authority, &cloud);
        assert_eq!(
            moved.token.as_str(),
            "https://login.new.test/contoso.com/oauth2/v2.0/token"
        );
        assert_eq!(moved.authority.environment(), "login.new.test");
        assert!(moved.knows_accounts_of("OLD.new.test"));
        assert!(!moved.knows_accounts_of("login.microsoftonline.com"));
        assert_eq!(
            fixed(&authority.to_string()).token.as_str(),
            "https://old.new.test:8443/contoso.com/oauth2/v2.0/token"
        );
    }
}
