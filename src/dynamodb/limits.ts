/** Every limit of calls to DynamoDB but those of their repetition, in one place. Tests make them smaller. */
export interface DynamoLimits {
  readonly socketsMax: number;
  readonly connectTimeoutMs: number;
  /** Silence after which a call is given up. */
  readonly replyTimeoutMs: number;
  /** A reply that takes longer than that must bring so many bytes a second. */
  readonly bytesPerSecondMin: number;
}

export const DYNAMO_LIMITS: DynamoLimits = {
  socketsMax: 64,
  connectTimeoutMs: 5_000,
  replyTimeoutMs: 30_000,
  bytesPerSecondMin: 1_024,
};
