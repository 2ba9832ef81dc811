package org.openapitools.jackson.nullable;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.SerializationConfig;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.BeanPropertyWriter;
import com.fasterxml.jackson.databind.ser.BeanSerializerModifier;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** Writes a present value as itself and leaves out one that was never set, as the library of this name does. */
public class JsonNullableModule extends SimpleModule {
  private static final long serialVersionUID = 1;

  public JsonNullableModule() {
    addSerializer(new Writer());
    addDeserializer(JsonNullable.class, new Reader());
    setSerializerModifier(new Omission());
  }

  @SuppressWarnings({"rawtypes", "serial"})
  private static class Writer extends StdSerializer<JsonNullable> {
    Writer() { super(JsonNullable.class); }
    @Override public void serialize(JsonNullable value, JsonGenerator out, SerializerProvider provider) throws IOException {
      provider.defaultSerializeValue(value.orElse(null), out);
    }
  }

  @SuppressWarnings({"rawtypes", "serial"})
  private static class Reader extends StdDeserializer<JsonNullable> {
    Reader() { super(JsonNullable.class); }
    @Override public JsonNullable deserialize(JsonParser in, DeserializationContext context) throws IOException {
      return JsonNullable.of(in.readValueAs(Object.class));
    }
  }

  private static class Omission extends BeanSerializerModifier {
    private static final long serialVersionUID = 1;
    @Override public List<BeanPropertyWriter> changeProperties(
        SerializationConfig config, BeanDescription description, List<BeanPropertyWriter> writers) {
      return writers.stream()
          .map(writer -> JsonNullable.class.isAssignableFrom(writer.getType().getRawClass()) ? new Optional(writer) : writer)
          .collect(Collectors.toList());
    }
  }

  private static class Optional extends BeanPropertyWriter {
    private static final long serialVersionUID = 1;
    Optional(BeanPropertyWriter writer) { super(writer); }
    @Override public void serializeAsField(Object bean, JsonGenerator out, SerializerProvider provider) throws Exception {
      if (get(bean) instanceof JsonNullable<?> value && value.isPresent()) super.serializeAsField(bean, out, provider);
    }
  }
}
