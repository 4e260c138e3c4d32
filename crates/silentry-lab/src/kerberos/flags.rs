//! The bit strings of RFC 4120: bit 0 is the most significant one of 32.

const fn bit(number: u32) -> u32 {
    1 << (31 - number)
}

/// TicketFlags (RFC 4120 5.3).
pub(crate) mod ticket {
    use super::bit;

    pub(crate) const FORWARDABLE: u32 = bit(1);
    pub(crate) const FORWARDED: u32 = bit(2);
    pub(crate) const INVALID: u32 = bit(7);
    pub(crate) const INITIAL: u32 = bit(9);
    pub(crate) const PRE_AUTHENT: u32 = bit(10);
    pub(crate) const TRANSITED_POLICY_CHECKED: u32 = bit(12);
}

/// KDCOptions (RFC 4120 5.4.1), and canonicalize (RFC 6806 3).
pub(crate) mod kdc_option {
    use super::bit;

    pub(crate) const FORWARDABLE: u32 = bit(1);
    pub(crate) const FORWARDED: u32 = bit(2);
    pub(crate) const PROXY: u32 = bit(4);
    pub(crate) const POSTDATED: u32 = bit(6);
    pub(crate) const CNAME_IN_ADDL_TKT: u32 = bit(14);
    pub(crate) const CANONICALIZE: u32 = bit(15);
    pub(crate) const ENC_TKT_IN_SKEY: u32 = bit(28);
    pub(crate) const RENEW: u32 = bit(30);
    pub(crate) const VALIDATE: u32 = bit(31);
}

/// APOptions (RFC 4120 5.5.1).
pub(crate) mod ap_option {
    use super::bit;

    pub(crate) const USE_SESSION_KEY: u32 = bit(1);
    pub(crate) const MUTUAL_REQUIRED: u32 = bit(2);
}
