"""What the demo, end-to-end tests and benchmarks stand on: streams, a TLS file server, a private CA, a daemon."""
