/**
 * What a pool is made of: Deployment, ConfigMap and PodDisruptionBudget as they should be, and
 * whether those that exist are so. Pure: nothing here talks to the API server.
 */
package io.refork.operator.pods;
