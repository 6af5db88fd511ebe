//! What the exceptions in a text mean: class, destination, client, JDK generation.
