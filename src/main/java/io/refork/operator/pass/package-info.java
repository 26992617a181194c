/**
 * One pass over one pool: what was seen, what follows from it, and the thin edges that do it.
 * {@code WorkerPoolReconciler} puts them in order.
 */
package io.refork.operator.pass;
