"""SCIM 2.0 (RFC 7643, 7644): HR systems and identity providers keep the roster up to date."""
