//! Real networks out of Linux network namespaces, for tests and the demo.
