//! Result values to text, JSON and JUnit.
