//! Kubernetes and Istio objects: typed, built from an intent, loaded from YAML with their places, rendered.
