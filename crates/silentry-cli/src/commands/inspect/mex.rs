//! `silentry inspect mex`.

use std::path::Path;

use serde_json::{Value, json};
use silentry::Explain;
use silentry_protocol::wstrust::address::HttpsUrl;
use silentry_protocol::wstrust::mex::{EndpointNotFound, FederationEndpoint, FederationMetadata};

use super::document::{InspectError, read};

const STAGE: &str = "mex";

/// Returns the endpoints that the library would choose from federation metadata.
///
/// Relative addresses are resolved against `url`, where the document came from. Without it they
/// cannot be used and are passed over, as the library does with metadata given as text.
pub(crate) fn mex(path: &Path, url: Option<&str>) -> Result<Value, InspectError> {
    let url = url
        .map(HttpsUrl::parse)
        .transpose()
        .map_err(|error| InspectError {
            code: "invalid_federation_metadata_url".to_owned(),
            message: error.to_string(),
            mitigation: "Give --url the https address that the document came from.".to_owned(),
            stage: STAGE,
        })?;
    let bytes = read(path, STAGE)?;
    let metadata =
        FederationMetadata::parse(&bytes, None, url.as_ref()).map_err(|error| InspectError {
            code: error.code().to_string(),
            message: error.to_string(),
            mitigation: error.mitigation().for_command().to_owned(),
            stage: STAGE,
        })?;
    Ok(json!({
        "integrated_windows": preferred(metadata.integrated_windows()),
        "username_password": preferred(metadata.username_password()),
    }))
}

/// A credential that no endpoint takes is null, not an error: the document was read.
fn preferred(endpoints: Result<&[FederationEndpoint], EndpointNotFound>) -> Value {
    match endpoints.ok().and_then(|endpoints| endpoints.first()) {
        Some(endpoint) => json!({
            "version": endpoint.version().as_str(),
            "url": endpoint.url().as_str(),
        }),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::file;
    use super::*;

    const METADATA: &str = "<w:definitions xmlns:w='http://schemas.xmlsoap.org/wsdl/' xmlns:s='http://schemas.xmlsoap.org/wsdl/soap12/' \
        xmlns:p='http://schemas.xmlsoap.org/ws/2004/09/policy' xmlns:h='http://schemas.microsoft.com/ws/06/2004/policy/http' \
        xmlns:u='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'>\
        <p:Policy u:Id='x'><h:NegotiateAuthentication/></p:Policy>\
        <w:binding name='b'><p:PolicyReference URI='#x'/><s:binding transport='http://schemas.xmlsoap.org/soap/http'/>\
        <w:operation><s:operation soapAction='http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue'/></w:operation></w:binding>\
        <w:service><w:port binding='b'><s:address location='../2005/windowstransport'/></w:port></w:service></w:definitions>";

    #[test]
    fn the_chosen_endpoints_are_printed_and_the_others_null() {
        let (_folder, path) = file("mex.xml", METADATA.as_bytes());
        let printed = mex(
            &path,
            Some("https://sts.contoso.com/adfs/services/trust/x/mex"),
        );
        let expected = json!({
            "integrated_windows": {
                "version": "2005",
                "url": "https://sts.contoso.com/adfs/services/trust/2005/windowstransport",
            },
            "username_password": null,
        });
        assert_eq!(printed, Ok(expected));
    }

    #[test]
    fn a_relative_address_needs_the_url_of_the_document() {
        let (_folder, path) = file("mex.xml", METADATA.as_bytes());
        let nothing = json!({ "integrated_windows": null, "username_password": null });
        assert_eq!(mex(&path, None), Ok(nothing));
        let error = mex(&path, Some("http://sts.contoso.com/mex")).unwrap_err();
        assert_eq!(error.code, "invalid_federation_metadata_url");
    }
}
