import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.Files;
import org.apache.iceberg.hadoop.HadoopFileIO;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.io.SeekableInputStream;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.rest.RESTCatalogAdapter;
import org.apache.iceberg.rest.RESTCatalogServlet;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;

/**
 * Iceberg's reference REST catalog on 127.0.0.1: java -cp 'lib/*' RestCatalog.java PORT WAREHOUSE [FOLDER]
 * With a warehouse on S3 the metadata that it writes lies in the folder: clients are told it, and do not read it there.
 */
public class RestCatalog {
  public static void main(String[] arguments) throws Exception {
    Map<String, String> properties = new HashMap<>();
    properties.put("uri", "jdbc:sqlite::memory:");
    properties.put("jdbc.schema-version", "V1");
    properties.put("clients", "1");
    properties.put("warehouse", arguments[1]);
    FileIO files = arguments.length < 3 ? new HadoopFileIO(new Configuration()) : new InFolder(Path.of(arguments[2]));
    JdbcCatalog catalog = new JdbcCatalog(settings -> files, null, true);
    catalog.initialize("rest", properties);
    ServletContextHandler context = new ServletContextHandler();
    context.addServlet(new ServletHolder(new RESTCatalogServlet(new RESTCatalogAdapter(catalog))), "/*");
    Server server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
    server.setHandler(context);
    server.start();
    server.join();
  }

  /** Files at s3://bucket/key as folder/bucket/key. */
  record InFolder(Path folder) implements FileIO {
    File file(String location) {
      return folder.resolve(location.replaceFirst("^s3://", "")).toFile();
    }

    @Override
    public InputFile newInputFile(String location) {
      return new Input(location, Files.localInput(file(location)));
    }

    @Override
    public OutputFile newOutputFile(String location) {
      file(location).getParentFile().mkdirs();
      return new Output(this, location, Files.localOutput(file(location)));
    }

    @Override
    public void deleteFile(String location) {
      try {
        java.nio.file.Files.deleteIfExists(file(location).toPath());
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }

  record Input(String location, InputFile local) implements InputFile {
    @Override
    public long getLength() {
      return local.getLength();
    }

    @Override
    public SeekableInputStream newStream() {
      return local.newStream();
    }

    @Override
    public boolean exists() {
      return local.exists();
    }
  }

  record Output(InFolder files, String location, OutputFile local) implements OutputFile {
    @Override
    public PositionOutputStream create() {
      return local.create();
    }

    @Override
    public PositionOutputStream createOrOverwrite() {
      return local.createOrOverwrite();
    }

    @Override
    public InputFile toInputFile() {
      return files.newInputFile(location);
    }
  }
}
