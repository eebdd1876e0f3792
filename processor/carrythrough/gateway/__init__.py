"""The HTTP application: intake, reads, stream and pages."""
