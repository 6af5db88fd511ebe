//! The network: one exchange each of DNS, TCP, TLS, HTTP and ICMP, and the live driver.
