package javax.annotation;

/** Names the generator of a source file: stands in for the library that Maven would fetch. */
public @interface Generated {
  String[] value();
  String date() default "";
  String comments() default "";
}
