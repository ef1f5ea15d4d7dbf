package org.apache.hadoop.hive.metastore.utils;

import java.io.IOException;
import java.net.InetSocketAddress;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TTransportException;

/**
 * Stands before the class of that name of Hive 3.1.3, which listens on all interfaces and has no option against it.
 * Only what a server without TLS and Kerberos calls.
 */
public class SecurityUtils {
  public static TServerSocket getServerSocket(String host, int port) throws TTransportException {
    return new TServerSocket(new InetSocketAddress("127.0.0.1", port));
  }

  public static UserGroupInformation getUGI() throws IOException {
    return UserGroupInformation.getCurrentUser();
  }

  public static String getUser() throws IOException {
    return getUGI().getUserName();
  }
}
