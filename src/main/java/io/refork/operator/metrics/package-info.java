/** What Prometheus is told about the operator and its pools. docs/operator.md lists it. */
package io.refork.operator.metrics;
