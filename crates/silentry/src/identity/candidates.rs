//! Which UPNs the signed-in user may have.

use super::UserPrincipalName;
use crate::authority::Tenant;
use crate::error::{Code, Error, Stage};

/// What the platform knows of the signed-in user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedIn {
    /// `user@REALM`.
    pub(crate) principal: String,
    /// From Windows' own directory look-up.
    pub(crate) upn: Option<String>,
}

/// The UPNs to ask Entra about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Candidates {
    /// Said by the caller or the platform: what Entra says of it is the answer.
    Known(UserPrincipalName),
    /// Made from the Kerberos principal, best first: Entra not knowing one only means that it was guessed wrong.
    Guessed(Vec<UserPrincipalName>),
}

/// Returns the UPNs that a signed-in user may have.
///
/// # Errors
///
/// `unknown_user` when the principal is not a user's, or gives no name that Entra could know.
pub(crate) fn upn_candidates(signed_in: &SignedIn, tenant: &Tenant) -> Result<Candidates, Error> {
    if let Some(upn) = &signed_in.upn {
        return Ok(Candidates::Known(UserPrincipalName::parse(upn)?));
    }
    let principal = &signed_in.principal;
    let (name, realm) = principal.rsplit_once('@').unwrap_or((principal, ""));
    // An enterprise principal (RFC 8398, MS-KILE) carries the UPN itself: `ana\@contoso.com@CORP.CONTOSO.COM`.
    if name.contains('@') {
        let upn = UserPrincipalName::parse(&name.replace('\\', ""))?;
        return Ok(Candidates::Known(upn));
    }
    if name.contains('/') || name.ends_with('$') {
        return Err(Error::new(
            Code::UnknownUser,
            Stage::User,
            format!("the ticket is of `{principal}`, a service or a computer, not of a user"),
        ));
    }
    let realm = realm.to_ascii_lowercase();
    let mut domains = Vec::new();
    if realm.contains('.') {
        domains.push(realm.as_str());
    }
    if let Some(domain) = tenant.domain()
        && domain != realm
    {
        // A realm below the tenant's domain (corp.contoso.com below contoso.com) is rarely a verified domain itself.
        let realm_is_below = realm
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'));
        let at = if realm_is_below { 0 } else { domains.len() };
        domains.insert(at, domain);
    }
    let candidates: Vec<_> = domains
        .into_iter()
        .filter_map(|domain| UserPrincipalName::parse(&format!("{name}@{domain}")).ok())
        .collect();
    if candidates.is_empty() {
        return Err(Error::new(
            Code::UnknownUser,
            Stage::User,
            format!("the UPN of `{principal}` is not known: its realm is not a domain name"),
        ));
    }
    Ok(Candidates::Guessed(candidates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(principal: &str, tenant: &str) -> Vec<String> {
        let signed_in = SignedIn {
            principal: principal.to_owned(),
            upn: None,
        };
        match upn_candidates(&signed_in, &Tenant::parse(tenant).unwrap()).unwrap() {
            Candidates::Known(upn) => vec![format!("{upn}, for sure")],
            Candidates::Guessed(upns) => upns.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_realm_is_tried_before_an_unrelated_tenant_domain() {
        assert_eq!(
            candidates("ana@CONTOSO.COM", "organizations"),
            ["ana@contoso.com"]
        );
        assert_eq!(
            candidates("ana@CONTOSO.COM", "contoso.com"),
            ["ana@contoso.com"]
        );
        assert_eq!(
            candidates("ana@CONTOSO.COM", "contoso.onmicrosoft.com"),
            ["ana@contoso.com", "ana@contoso.onmicrosoft.com"]
        );
        assert_eq!(candidates("ana@CORP", "contoso.com"), ["ana@contoso.com"]);
    }

    #[test]
    fn a_realm_below_the_tenant_domain_is_tried_after_it() {
        assert_eq!(
            candidates("ana@CORP.CONTOSO.COM", "contoso.com"),
            ["ana@contoso.com", "ana@corp.contoso.com"]
        );
        assert_eq!(
            candidates("ana@NOTCONTOSO.COM", "contoso.com"),
            ["ana@notcontoso.com", "ana@contoso.com"]
        );
    }

    #[test]
    fn an_enterprise_principal_is_its_own_upn() {
        assert_eq!(
            candidates("ana\\@contoso.com@CORP.LOCAL", "organizations"),
            ["ana@contoso.com, for sure"]
        );
    }

    #[test]
    fn the_platform_upn_wins() {
        let signed_in = SignedIn {
            principal: "ana@CORP.CONTOSO.COM".to_owned(),
            upn: Some("Ana.Lopez@contoso.com".to_owned()),
        };
        let upns = upn_candidates(&signed_in, &Tenant::Organizations).unwrap();
        let expected = UserPrincipalName::parse("Ana.Lopez@contoso.com").unwrap();
        assert_eq!(upns, Candidates::Known(expected));
    }

    #[test]
    fn tickets_of_no_user_explain_themselves() {
        for principal in [
            "WS01$@CORP.CONTOSO.COM",
            "host/ws01@CORP.CONTOSO.COM",
            "ana@CORP",
            "ana",
        ] {
            let signed_in = SignedIn {
                principal: principal.to_owned(),
                upn: None,
            };
            let error = upn_candidates(&signed_in, &Tenant::Organizations).unwrap_err();
            assert_eq!(error.code(), "unknown_user");
            assert!(error.to_string().contains(principal));
        }
    }
}
