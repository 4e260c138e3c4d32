//! The differences between the lab's replies and recorded ones that are meant to be, as the README lists them.

/// What differs, and why it may.
pub(super) const DIFFERENCES: &[(&str, &str)] = &[
    (
        "Entra: header client-request-id is added",
        "the lab echoes the first of several request ids; Entra echoed none when a client sent two",
    ),
    (
        "Entra: header set-cookie is added",
        "the recorder took it out",
    ),
    (
        "Entra: header x-ms-request-id is added",
        "the recorder took it out",
    ),
    (
        "Entra: header x-ms-srs is added",
        "recordings of 2025 have it, older ones do not",
    ),
    (
        "WS-Trust: Attribute PersonnelNumber is missing",
        "a claim rule of the recorded company's own",
    ),
    (
        "WS-Trust: Attribute objectGUID is missing",
        "a claim rule of the recorded company's own",
    ),
    (
        "WS-Trust: Attribute passwordchangeurl is missing",
        "a claim rule about passwords, which the lab has not",
    ),
    (
        "WS-Trust: Attribute passwordexpirationtime is missing",
        "a claim rule about passwords, which the lab has not",
    ),
    (
        "device code: the members have another order",
        "the recorder sorted them",
    ),
    (
        "metadata: Policy CertificateWSTrustBinding_IWSTrustFeb2005Async1_policy is missing",
        "certificates are taken at a host of their own (certauth) only where the farm is set up for it",
    ),
    (
        "metadata: binding CertificateWSTrustBinding_IWSTrustFeb2005Async1 is missing",
        "as its policy",
    ),
    (
        "metadata: port CertificateWSTrustBinding_IWSTrustFeb2005Async1 is missing",
        "as its policy",
    ),
    (
        "token of a client: error_description has blanks for line ends",
        "a recording of 2023; since 2024 ids and time follow behind blanks",
    ),
    (
        "token of a client: status 401 in place of 200",
        "the lab serves public clients: no secret of its confidential client is right",
    ),
    (
        "token of a device: the members have another order",
        "the recorder sorted them",
    ),
    (
        "token: claims is added",
        "the lab's demand is one of Conditional Access, which goes with claims; the recorded one came without",
    ),
    (
        "token: client_info is added",
        "the recorder put a reply of its own in place of the token",
    ),
    (
        "token: id_token is added",
        "the recorder put a reply of its own in place of the token",
    ),
    (
        "token: refresh_token is added",
        "the recorder put a reply of its own in place of the token",
    ),
    (
        "token: scope is added",
        "the recorder put a reply of its own in place of the token",
    ),
];
