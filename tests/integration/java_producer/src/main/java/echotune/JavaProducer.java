package echotune;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends one listening event for every listener id on standard input, one a line, in UTF-8.
 *
 * <p>Arguments: bootstrap servers, topic, path of ListeningEvent.avsc, its fixed schema id. Prints
 * the event id, partition and offset of every acknowledged event. Nothing but Kafka's own client
 * and Apache Avro is needed: no registry and no serializer of anyone's.
 */
public final class JavaProducer {
  private static final byte MAGIC = 0;

  private final Schema schema;
  private final int schemaId;

  private JavaProducer(Path contract, int schemaId) throws IOException {
    this.schema = new Schema.Parser().parse(contract.toFile());
    this.schemaId = schemaId;
  }

  public static void main(String[] args) throws Exception {
    var events = new JavaProducer(Path.of(args[2]), Integer.parseInt(args[3]));
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    try (var producer = producerOf(args[0])) {
      for (String listenerId; (listenerId = in.readLine()) != null; ) {
        GenericRecord event = events.listen(listenerId);
        var record = new ProducerRecord<>(args[1], listenerId, events.encoded(event));
        RecordMetadata place = producer.send(record).get();
        out.println(event.get("event_id") + " " + place.partition() + " " + place.offset());
      }
    }
  }

  /** Default partitioner (murmur2 of the key), acks=all and idempotence are Kafka's defaults. */
  private static KafkaProducer<String, byte[]> producerOf(String servers) {
    Map<String, Object> config =
        Map.of("bootstrap.servers", servers, "delivery.timeout.ms", 60_000, "linger.ms", 0);
    return new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer());
  }

  private GenericRecord listen(String listenerId) {
    var kind = new GenericData.EnumSymbol(schema.getField("kind").schema(), "LISTEN");
    return new GenericRecordBuilder(schema)
        .set("event_id", UUID.randomUUID().toString())
        .set("listener_id", listenerId)
        .set("kind", kind)
        .set("source", "java")
        .set("artist_name", "Björk")
        .set("track_name", "Jóga")
        .set("listened_at", 1_700_000_000_000L)
        .set("ms_played", 305_000L)
        .build();
  }

  /** A zero byte, the schema id in four bytes (big-endian), the record in Avro's binary form. */
  private byte[] encoded(GenericRecord event) throws IOException {
    var out = new ByteArrayOutputStream();
    out.write(MAGIC);
    out.write(ByteBuffer.allocate(Integer.BYTES).putInt(schemaId).array());
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<GenericRecord>(schema).write(event, encoder);
    encoder.flush();
    return out.toByteArray();
  }
}
