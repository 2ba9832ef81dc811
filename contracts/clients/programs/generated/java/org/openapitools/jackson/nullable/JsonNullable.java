package org.openapitools.jackson.nullable;

import java.util.NoSuchElementException;

/** A value that may be null, or not be there: stands in for the library that Maven would fetch. */
public final class JsonNullable<T> {
  private static final JsonNullable<?> UNDEFINED = new JsonNullable<>(null, false);
  private final T value;
  private final boolean present;

  private JsonNullable(T value, boolean present) {
    this.value = value;
    this.present = present;
  }

  @SuppressWarnings("unchecked")
  public static <T> JsonNullable<T> undefined() { return (JsonNullable<T>) UNDEFINED; }
  public static <T> JsonNullable<T> of(T value) { return new JsonNullable<>(value, true); }
  public boolean isPresent() { return present; }
  public T orElse(T other) { return present ? value : other; }
  public T get() {
    if (!present) throw new NoSuchElementException();
    return value;
  }
}
