# hasher as the original has it: on Sinatra and thin, whose pool of 20 threads is its capacity.
require 'digest'
require 'sinatra/base'
require 'socket'
require 'thin'

# Answers with the SHA-256 of what is posted.
class Hasher < Sinatra::Base
  set :server, :thin
  set :bind, ENV.fetch('ADDRESS', '0.0.0.0')
  set :port, ENV.fetch('PORT', '80')
  set :environment, :production
  enable :logging

  get '/' do
    "HASHER running on #{Socket.gethostname}\n"
  end

  post '/' do
    sleep 0.1
    content_type :text
    Digest::SHA256.hexdigest(request.body.read)
  end
end

Hasher.run!
