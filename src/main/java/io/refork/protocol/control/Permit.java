package io.refork.protocol.control;

import java.time.Instant;
import java.util.Optional;

/**
 * Leave for one pod to refork once, now. It is bound to the agent session that the desired state
 * names: an agent that has restarted meanwhile ignores it.
 *
 * @param id names the grant: letters, digits and dashes, at most 64; an agent acts on an id once,
 *     also after a restart
 * @param level the level the pod reaches by it, 1 or more; an agent ignores a permit for a level
 *     that is not its own + 1
 * @param request the token of the requested wave that it belongs to; empty when it answers the
 *     pod's own trigger. At most 128 characters
 * @param startBy an agent that has not begun by then lets it lapse; whole seconds
 */
public record Permit(String id, int level, Optional<String> request, Instant startBy) {}
