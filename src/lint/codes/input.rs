//! Codes ITL00xx: what of the input cannot be read, or an API server would refuse or drop.

use super::{ISTIO_GATEWAY, KUBERNETES_NAMES};

super::codes! {
    of Input;
    INPUT_SYNTAX = "ITL0001" Error None;
        title: "a document that is no YAML, no JSON, or no Kubernetes object";
        why: "it cannot be read, by kubectl either; after an error of syntax, the rest of the file is not read";
        fix: "correct the text at this place";
        doc: "https://yaml.org/spec/1.2.2/";
    INPUT_TYPE = "ITL0002" Error Some("IST0106");
        title: "a field of a type that an API server refuses";
        why: "an API server refuses the object, so nothing of it takes effect";
        fix: "write the value that the field wants";
        doc: ISTIO_GATEWAY;
    UNKNOWN_FIELD = "ITL0003" Warning None;
        title: "a field that the kind does not have";
        why: "kubectl refuses it, or the API server drops it and the setting has no effect";
        fix: "correct the field's name or its indentation, or remove it";
        doc: ISTIO_GATEWAY;
    OBJECT_TWICE = "ITL0004" Warning None;
        title: "an object that stands twice in the input";
        why: "the later one replaces the earlier when both are applied, so half of what was written is lost";
        fix: "give one of them another name, or remove it";
        doc: KUBERNETES_NAMES;
    IGNORES_NOTHING = "ITL0005" Info None;
        title: "a comment that ignores nothing";
        why: "no finding of that code is left at its place, so the comment would hide a new one";
        fix: "remove the comment, or the code from it";
        doc: "https://istio.io/latest/docs/ops/diagnostic-tools/istioctl-analyze/";
}
