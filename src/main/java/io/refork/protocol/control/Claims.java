package io.refork.protocol.control;

import java.time.Instant;

/**
 * What a token says about itself and about the one request that it allows.
 *
 * @param issuer the operator's installation, 1 to 128 characters
 * @param podUid the pod that it is meant for
 * @param issuedAt whole seconds
 * @param expires whole seconds, after {@code issuedAt} by at most {@link Token#MAX_LIFETIME}
 * @param id unique, 16 to 64 characters of base64url
 * @param method as in the request
 * @param path as in the request, with its query if it has one
 * @param bodyHash base64url of the SHA-256 of the body
 */
public record Claims(
    String issuer,
    String podUid,
    Instant issuedAt,
    Instant expires,
    String id,
    String method,
    String path,
    String bodyHash) {}
