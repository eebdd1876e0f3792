"""Built-in action adapters; each module offers one `SPEC` through the same door as third-party plugins."""
